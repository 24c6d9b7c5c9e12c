for c in serve check events version; do rollcall $c --help; done
