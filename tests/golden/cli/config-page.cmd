# Every key of the option tables is explained in docs/CONFIG.md.
sed -n -E '/^#/d; s/.*(FIELD|PART)\("?([a-z0-9_]+)"?,.*/\2/p
    s/.*\.name = "([a-z0-9_]+)", \.type.*/\1/p' \
    core/config_tables.c core/http_options.c alerts/notify_config.c |
sort -u | while read -r key; do
	echo "$key"
	grep -q "^|.*\`$key\`" docs/CONFIG.md || echo "$key is missing"
done
