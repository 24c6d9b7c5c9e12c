rollcall help
