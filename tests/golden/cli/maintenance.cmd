# Commands below a command: which there are, and what is wrong.
rollcall maintenance --help
rollcall maintenance start --help
rollcall maintenance sart
rollcall maintenance end x
rollcall maintenance start --for=1h
rollcall forget
