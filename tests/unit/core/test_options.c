#include "core/options.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/problems.h"
#include "tests/unit/core/config_text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct child {
	char *name;
	int64_t size;
};

struct parent {
	char *text, *secret, *secret_file, *path;
	bool flag;
	int64_t number, duration;
	struct string_list strings, paths;
	struct labels labels;
	int word;
	struct child one;
	struct object_list many;
};

static int checked, released;

static void child_defaults(void *object)
{
	((struct child *)object)->size = 7;
}

static void child_check(void *object, const struct yaml_node *node,
    struct problems *p)
{
	(void)object;
	(void)node;
	(void)p;
	checked++;
}

static void child_release(void *object)
{
	(void)object;
	released++;
}

static const struct option child_options[] = {
	{ .name = "name", .type = OPTION_STRING, .required = true,
	  .offset = offsetof(struct child, name) },
	{ .name = "size", .type = OPTION_INT,
	  .offset = offsetof(struct child, size), .max = 9 },
};

static const struct option_set child_set = OPTION_SET("child", struct child,
    child_options, .defaults = child_defaults, .check = child_check,
    .release = child_release);

static const char *const words[] = { "red", "green", "blue", NULL };

#define FIELD(name_, type_, ...) \
	{ .name = #name_, .type = (type_), \
	  .offset = offsetof(struct parent, name_), __VA_ARGS__ }

static const struct option parent_options[] = {
	FIELD(text, OPTION_STRING),
	FIELD(secret, OPTION_SECRET),
	FIELD(secret_file, OPTION_PATH),
	FIELD(path, OPTION_PATH),
	FIELD(flag, OPTION_BOOL),
	FIELD(number, OPTION_INT),
	FIELD(duration, OPTION_DURATION, .min = 1000, .max = 60000),
	FIELD(strings, OPTION_STRINGS),
	FIELD(paths, OPTION_PATHS),
	FIELD(labels, OPTION_LABELS),
	FIELD(word, OPTION_WORD, .words = words),
	FIELD(one, OPTION_OBJECT, .set = &child_set),
	FIELD(many, OPTION_OBJECTS, .set = &child_set),
};

static void parent_defaults(void *object)
{
	struct parent *o = object;

	o->text = xstrdup("default");
	o->strings.v = xcalloc(1, sizeof(char *));
	o->strings.v[o->strings.n++] = xstrdup("default");
	o->duration = 5000;
}

static const struct option_set parent_set = OPTION_SET("parent",
    struct parent, parent_options, .defaults = parent_defaults);

static void read_text(const char *text, struct parent *o, struct problems *p)
{
	struct yaml_node *root = yaml_parse("dir/f.yml", text, strlen(text),
	    p);

	assert_non_null(root);
	*o = (struct parent){ 0 };
	options_read(&parent_set, root, o, p);
	yaml_free(root);
}

static const char everything[] =
    "text: \"a: b\"\n"
    "secret: hidden\n"
    "secret_file: s\n"
    "path: p/q\n"
    "flag: Yes\n"
    "number: -12\n"
    "duration: 30s\n"
    "strings: [a, \"\"]\n"
    "paths: [x, /y]\n"
    "labels: {b: 2, a: 1}\n"
    "word: blue\n"
    "one: {name: only}\n"
    "many: [{name: first, size: 9}, {name: second}]\n";

static void test_read(void **state)
{
	struct problems p = { 0 };
	const struct child *many;
	struct parent o;

	(void)state;
	checked = released = 0;
	read_text(everything, &o, &p);
	assert_no_problem(&p);
	assert_string_equal(o.text, "a: b");
	assert_string_equal(o.secret, "hidden");
	assert_string_equal(o.path, "dir/p/q");
	assert_true(o.flag);
	assert_int_equal(o.number, -12);
	assert_int_equal(o.duration, 30000);
	assert_int_equal(o.strings.n, 2);
	assert_string_equal(o.strings.v[0], "a");
	assert_string_equal(o.paths.v[0], "dir/x");
	assert_string_equal(o.paths.v[1], "/y");
	assert_string_equal(labels_get(&o.labels, "a"), "1");
	assert_int_equal(o.word, 2);
	assert_string_equal(o.one.name, "only");
	assert_int_equal(o.one.size, 7);
	many = o.many.v;
	assert_int_equal(o.many.n, 2);
	assert_int_equal(many[0].size, 9);
	assert_string_equal(many[1].name, "second");
	assert_int_equal(many[1].size, 7);
	assert_int_equal(checked, 3);
	options_free(&parent_set, &o);
	assert_int_equal(released, 3);
	options_free(&parent_set, &o);		/* nothing left to free */
}

/* Not given and null are the same: the default stays, in objects inside as
 * well. */
static void test_defaults(void **state)
{
	static const char *const texts[] = { "", "text: ~\none:\nstrings:\n" };
	struct problems p = { 0 };
	struct parent o;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		read_text(texts[i], &o, &p);
		assert_no_problem(&p);
		assert_string_equal(o.text, "default");
		assert_int_equal(o.strings.n, 1);
		assert_int_equal(o.one.size, 7);
		options_free(&parent_set, &o);
	}
}

static void test_wrong(void **state)
{
	static const struct {
		const char *text, *problem;
	} cases[] = {
		{ "txt: a", ":1:1: unknown field \"txt\" in parent (did you"
		    " mean \"text\"?)" },
		{ "zzz: a", ":1:1: unknown field \"zzz\" in parent" },
		{ "\"\": a", ":1:1: unknown field \"\" in parent" },
		{ "text: []", ":1:7: text: expected text, found a list" },
		{ "flag: 1", ":1:7: flag: expected true or false, found"
		    " \"1\"" },
		{ "number: 1x", ":1:9: number: expected a whole number, found"
		    " \"1x\"" },
		{ "number: ''", ":1:9: number: expected a whole number, found"
		    " \"\"" },
		{ "number: 9223372036854775808", ":1:9: number: expected a"
		    " whole number, found \"9223372036854775808\"" },
		{ "duration: 61s", ":1:11: duration: 61s is not between 1s"
		    " and 1m" },
		{ "strings: [{}]", ":1:11: strings: expected text, found a"
		    " map" },
		{ "strings: [~]", ":1:11: strings: expected text, found"
		    " nothing" },
		{ "labels: {a: []}", ":1:13: a: expected text, found a"
		    " list" },
		{ "word: blu", ":1:7: word: unknown value \"blu\" (did you"
		    " mean \"blue\"?)" },
		{ "word: purple", ":1:7: word: unknown value \"purple\""
		    " (there are: red, green, blue)" },
		{ "one: {}", ":1:6: missing field \"name\" in child" },
		{ "one: {name: }", ":1:6: missing field \"name\" in child" },
		{ "one: {name: a, size: 10}", ":1:22: size: 10 is not between"
		    " 0 and 9" },
		{ "many: {}", ":1:7: many: expected a list, found a map" },
		{ "many: [1]", ":1:8: child: expected a map, found text" },
		{ "[]", ":1:1: parent: expected a map, found a list" },
	};
	struct problems p = { 0 };
	struct parent o;
	char *line;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		read_text(cases[i].text, &o, &p);
		line = xasprintf("dir/f.yml%s", cases[i].problem);
		assert_problem(&p, line);
		options_free(&parent_set, &o);
		free(line);
	}
}

static void test_all_at_once(void **state)
{
	struct problems p = { 0 };
	struct parent o;

	(void)state;
	read_text("nummer: 1\nflag: x\nmany: [{size: x}, {nme: a}]\n"
	    "text: t\n", &o, &p);
	assert_int_equal(p.n, 6);
	assert_string_equal(o.text, "t");
	options_free(&parent_set, &o);
	problems_free(&p);
}

static void test_print_and_read_again(void **state)
{
	struct problems p = { 0 };
	struct parent o;
	struct buf b;

	(void)state;
	read_text(everything, &o, &p);
	buf_init(&b, 4096);
	options_print(&parent_set, &o, &b, 0);
	assert_string_equal(buf_str(&b),
	    "text: \"a: b\"\n"
	    "secret_file: dir/s\n"
	    "path: dir/p/q\n"
	    "flag: true\n"
	    "number: -12\n"
	    "duration: 30s\n"
	    "strings:\n"
	    "  - a\n"
	    "  - \"\"\n"
	    "paths:\n"
	    "  - dir/x\n"
	    "  - /y\n"
	    "labels:\n"
	    "  a: 1\n"
	    "  b: 2\n"
	    "word: blue\n"
	    "one:\n"
	    "  name: only\n"
	    "  size: 7\n"
	    "many:\n"
	    "  - name: first\n"
	    "    size: 9\n"
	    "  - name: second\n"
	    "    size: 7\n");
	options_free(&parent_set, &o);
	read_text(buf_str(&b), &o, &p);
	assert_no_problem(&p);
	options_free(&parent_set, &o);
	buf_free(&b);
}

/* Text of any kind survives printing and reading. */
static void test_texts_survive(void **state)
{
	static const char *const texts[] = {
		"plain", "null", "~", "", " ", "a: b", "a #b", "#", "- a",
		"[x]", "{a: 1}", "&a", "*a", "!a", "|", ">", "'", "\"", "%",
		"@", "`", "a:", ":a", "?", "? a", "---", "...", "\n", "\t",
		"a\nb\n", "\\", "true", "1", "\xe4\xb8\xad\xe6\x96\x87",
		"\x01\x7f", "http://[::1]:2379", "<secret>", "/", "a,b",
		"=", "<<", "a \xc2\x80 b", "a \xc2\x85 b", "\xc2\x9f",
		"\xc2\xa0", "a \xe2\x80\xa8 b", "\xe2\x80\xa9",
		"\xe2\x80\xaa", "\xef\xbf\xbd\xef\xbf\xbe\xef\xbf\xbf",
		"\xef\xbb\xbf", "\xf4\x8f\xbf\xbf",
	};
	struct problems p = { 0 };
	struct parent o = { .duration = 5000 };
	struct buf b;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		o.text = xstrdup(texts[i]);
		o.one.name = xstrdup(texts[i]);
		labels_set(&o.labels, texts[i], "x");
		labels_set(&o.labels, "y", texts[i]);
		buf_init(&b, 4096);
		options_print(&parent_set, &o, &b, 0);
		options_free(&parent_set, &o);
		read_text(buf_str(&b), &o, &p);
		assert_no_problem(&p);
		assert_string_equal(o.text, texts[i]);
		assert_string_equal(o.one.name, texts[i]);
		assert_non_null(labels_get(&o.labels, texts[i]));
		if (texts[i][0])
			assert_string_equal(labels_get(&o.labels, "y"),
			    texts[i]);
		options_free(&parent_set, &o);
		buf_free(&b);
	}
}

/* YAML wants a mark before a key this long. */
static void test_long_key(void **state)
{
	char key[2001] = "";
	struct problems p = { 0 };
	struct parent o = { .duration = 5000, .one.name = xstrdup("x") };
	struct buf b;

	(void)state;
	memset(key, 'a', sizeof(key) - 1);
	labels_set(&o.labels, key, "v");
	buf_init(&b, 8192);
	options_print(&parent_set, &o, &b, 0);
	options_free(&parent_set, &o);
	read_text(buf_str(&b), &o, &p);
	assert_no_problem(&p);
	assert_string_equal(labels_get(&o.labels, key), "v");
	options_free(&parent_set, &o);
	buf_free(&b);
}

static void test_secrets(void **state)
{
	struct problems p = { 0 };
	struct parent o;
	struct buf b;

	(void)state;
	read_text("secret: hunter2\ntext: http://u:hunter2@h/x?u:p@q\n"
	    "strings: [http://u@h, 'x://u:hunter2@h', 'u:p@h']\n", &o, &p);
	buf_init(&b, 4096);
	options_print(&parent_set, &o, &b, 0);
	assert_null(strstr(buf_str(&b), "hunter2"));
	assert_non_null(strstr(buf_str(&b), "secret: <secret>\n"));
	assert_non_null(strstr(buf_str(&b),
	    "text: \"http://u:<secret>@h/x?u:p@q\"\n"));
	assert_non_null(strstr(buf_str(&b), "\"http://u@h\""));
	options_free(&parent_set, &o);
	buf_free(&b);
}

static void test_nearest(void **state)
{
	static const char *const known[] = {
		"ca_file", "cert_file", "endpoints", "name", "poll_interval",
		"poll_timeout",
	};
	static const struct {
		const char *text, *nearest;
	} cases[] = {
		{ "poll_intervall", "poll_interval" },
		{ "pol_timeout", "poll_timeout" },
		{ "nmae", "name" }, { "cafile", "ca_file" },
		{ "endpoint", "endpoints" }, { "certfile", "cert_file" },
		{ "x", NULL }, { "", NULL }, { "directories", NULL },
		{ "pool", NULL },
	};
	char *giant = xmalloc(100001);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *found = options_nearest(cases[i].text, known,
		    COUNT(known));

		if (!cases[i].nearest)
			assert_null(found);
		else
			assert_string_equal(found, cases[i].nearest);
	}
	memset(giant, 'a', 100000);
	giant[100000] = '\0';
	assert_null(options_nearest(giant, known, COUNT(known)));
	free(giant);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_print_and_read_again),
		cmocka_unit_test(test_texts_survive),
		cmocka_unit_test(test_long_key),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
