cd tests/golden/config || exit 1
rollcall check minimal.yml design_supported.yml notify_nobody.yml notify_too.yml
rollcall serve --config.file=notify_too.yml
