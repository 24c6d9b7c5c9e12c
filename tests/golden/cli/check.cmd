cd tests/golden/config || exit 1
# What a directory's keys are taken for; {service} is a typing error.
rollcall check everything.yml service_or_label.yml
rollcall check minimal.yml design_supported.yml notify_nobody.yml notify_too.yml
rollcall serve --config.file=notify_too.yml
