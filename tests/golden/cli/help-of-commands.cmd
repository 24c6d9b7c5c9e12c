for c in serve check events uptime outages register discover version; do
	rollcall $c --help
done
