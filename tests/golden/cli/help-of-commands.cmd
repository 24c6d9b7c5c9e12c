for c in serve check events register discover version; do rollcall $c --help; done
