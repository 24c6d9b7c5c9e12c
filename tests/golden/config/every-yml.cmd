# Each NAME.yml here against its NAME.ok; see tests/golden/run.
out=$(ROLLCALL=$(command -v rollcall) tests/golden/run) || {
	echo "$out"
	exit 1
}
