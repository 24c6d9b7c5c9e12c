rollcall check rollcall.yml
