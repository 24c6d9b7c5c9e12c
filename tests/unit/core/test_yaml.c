#include "core/yaml.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "tests/unit/core/config_text.h"
#include "tests/unit/seeded.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Parses a copy that ends where the text ends, for the sanitizers. */
static struct yaml_node *parse(const char *text, size_t len,
    struct problems *p)
{
	char *copy = xmalloc(len + 1);
	struct yaml_node *root;

	memcpy(copy, text, len);
	copy = xrealloc(copy, len ? len : 1);
	root = yaml_parse("f.yml", copy, len, p);
	free(copy);
	return root;
}

static struct yaml_node *good(const char *text)
{
	struct problems p = { 0 };
	struct yaml_node *root = parse(text, strlen(text), &p);

	assert_no_problem(&p);
	assert_non_null(root);
	return root;
}

static void assert_at(const struct yaml_node *n, enum yaml_kind kind,
    size_t line, size_t column)
{
	assert_non_null(n);
	assert_int_equal(n->kind, kind);
	assert_int_equal(n->line, line);
	assert_int_equal(n->column, column);
	assert_string_equal(n->file, "f.yml");
}

static void test_tree_with_positions(void **state)
{
	struct yaml_node *root = good("# comment\n"
	    "list:\n"
	    "  - one\n"
	    "  - {a: 1, b: [x, y]}\n"
	    "\xe4\xb8\xad: \"\xe6\x96\x87\"\n");
	struct yaml_node *list = yaml_get(root, "list");

	(void)state;
	assert_at(root, YAML_MAP, 2, 1);
	assert_int_equal(root->n, 2);
	assert_at(root->keys[1], YAML_SCALAR, 5, 1);
	assert_at(list, YAML_LIST, 3, 3);
	assert_int_equal(list->n, 2);
	assert_string_equal(list->items[0]->text, "one");
	assert_at(yaml_get(list->items[1], "b"), YAML_LIST, 4, 15);
	assert_string_equal(yaml_get(root, "\xe4\xb8\xad")->text,
	    "\xe6\x96\x87");
	assert_null(yaml_get(root, "nothing"));
	assert_null(yaml_get(list, "a"));
	assert_null(yaml_get(NULL, "a"));
	yaml_free(root);
}

static void test_null(void **state)
{
	static const char *const keys[] = { "a", "b", "c", "d" };
	struct yaml_node *root = good("{a: , b: ~, c: null, d: NULL,"
	    " e: 'null', f: \"\", null: x}");

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++)
		assert_int_equal(yaml_get(root, keys[i])->kind, YAML_NULL);
	assert_string_equal(yaml_get(root, "e")->text, "null");
	assert_string_equal(yaml_get(root, "f")->text, "");
	assert_string_equal(yaml_get(root, "null")->text, "x");
	yaml_free(root);
}

static void test_nothing_is_an_empty_map(void **state)
{
	static const char *const texts[] = {
		"", "\n", "# comment\n", "---\n", "---\n...\n", "~",
	};
	struct yaml_node *root;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		root = good(texts[i]);
		assert_int_equal(root->kind, YAML_MAP);
		assert_int_equal(root->n, 0);
		yaml_free(root);
	}
}

static void test_many_items(void **state)
{
	struct yaml_node *root;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 20000; i++)
		buf_addf(&b, "k%d: [%d, b]\n", i, i);
	root = good(buf_str(&b));
	assert_int_equal(root->n, 20000);
	assert_string_equal(root->items[19999]->items[0]->text, "19999");
	yaml_free(root);
	buf_free(&b);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *problem;
	} cases[] = {
		{ "a: &x 1\n", "f.yml:1:4: anchors are not supported" },
		{ "a: &x [1]\n", "f.yml:1:4: anchors are not supported" },
		{ "a: *x\n", "f.yml:1:4: aliases are not supported (quote"
		    " text that begins with *)" },
		{ "a: !!int 1\n", "f.yml:1:4: tags are not supported" },
		{ "a: !x {}\n", "f.yml:1:4: tags are not supported" },
		{ "a: 1\n---\nb: 1\n", "f.yml:2:1: a second document begins"
		    " here: only one is read" },
		{ "b:\n  x: 1\n  y: 2\n  x: [3]\n", "f.yml:4:3: duplicate key"
		    " \"x\" (first at line 2)" },
		{ "{a: 1, a}", "f.yml:1:8: duplicate key \"a\" (first at"
		    " line 1)" },
		{ "? [a]\n: 1\n", "f.yml:1:3: a key must be text, not a list"
		    " or a map (quote text that begins with [ or {)" },
		{ "? {a: 1}\n: 1\n", "f.yml:1:3: a key must be text, not a"
		    " list or a map (quote text that begins with [ or {)" },
		{ "a: \"\\0\"\n", "f.yml:1:4: a NUL character in the text" },
		{ "\"a\\0b\": 1\n", "f.yml:1:1: a NUL character in the"
		    " text" },
		{ "a:\n\tb: 1\n", "f.yml:2:1: not valid YAML: while scanning"
		    " for the next token: found character that cannot start"
		    " any token (indent with spaces, not tabs)" },
		{ "a: 1\nb: 2\nc: \xff\n", "f.yml:3:1: not UTF-8 text:"
		    " invalid leading UTF-8 octet" },
	};
	struct problems p = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_null(parse(cases[i].text, strlen(cases[i].text), &p));
		assert_problem(&p, cases[i].problem);
	}
}

static void test_goes_on_after_a_duplicate(void **state)
{
	struct problems p = { 0 };
	static const char text[] = "a: 1\na: 2\nb: 1\nb: 2\nb: 3\n";

	(void)state;
	assert_null(parse(text, strlen(text), &p));
	assert_int_equal(p.n, 3);
	assert_string_equal(p.lines[2], "f.yml:5:1: duplicate key \"b\""
	    " (first at line 3)");
	problems_free(&p);
}

static void test_depth(void **state)
{
	char text[2 * (MAX_DEPTH + 1)];
	struct problems p = { 0 };

	(void)state;
	memset(text, '[', MAX_DEPTH);
	memset(text + MAX_DEPTH, ']', MAX_DEPTH);
	yaml_free(parse(text, 2 * MAX_DEPTH, &p));
	assert_no_problem(&p);
	memset(text, '[', MAX_DEPTH + 1);
	assert_null(parse(text, MAX_DEPTH + 1, &p));
	assert_problem(&p, "f.yml:1:17: nested too deeply");
}

/* A megabyte of brackets must be refused at once. */
static void test_many_brackets(void **state)
{
	enum { SIZE = 1 << 20 };
	char *text = xmalloc(SIZE);
	struct problems p = { 0 };

	(void)state;
	memset(text, '[', SIZE);
	assert_null(parse(text, SIZE, &p));
	assert_problem(&p, "f.yml:1:17: nested too deeply");
	memset(text, '{', SIZE);
	assert_null(parse(text, SIZE, &p));
	problems_free(&p);
	free(text);
}

static void test_size(void **state)
{
	char *text = xmalloc(MAX_SIZE + 1);
	struct problems p = { 0 };

	(void)state;
	memset(text, '\n', MAX_SIZE + 1);
	assert_null(parse(text, MAX_SIZE + 1, &p));
	assert_problem(&p, "f.yml: larger than 4194304 bytes");
	yaml_free(parse(text, MAX_SIZE, &p));
	assert_no_problem(&p);
	free(text);
}

static void test_load(void **state)
{
	struct problems p = { 0 };
	struct yaml_node *root = yaml_load(file_with("a.yml", "a: b\n"), &p);
	char *line;

	(void)state;
	assert_no_problem(&p);
	assert_string_equal(yaml_get(root, "a")->text, "b");
	yaml_free(root);
	assert_null(yaml_load("/nonexistent/x.yml", &p));
	assert_problem(&p, "/nonexistent/x.yml: No such file or directory");
	assert_null(yaml_load(folder, &p));
	line = xasprintf("%s: Is a directory", folder);
	assert_problem(&p, line);
	free(line);
}

/* Cut and garbled texts: a tree or a problem, never anything else. */
static void test_garbled(void **state)
{
	static const char text[] = "a: [1, {b: \"c\\n\", d: 'e'}]\n"
	    "f: |\n  g\n  h\nk:\n  - l: m\n    n: ~\n  - &o p\n---\n? q\n";
	static const char letters[] = "\t\n -:[]{}&*!|>'\"%@`#,?\\\xff\x80 a";
	char mutant[sizeof(text)];
	struct problems p = { 0 };
	struct yaml_node *root;
	size_t len;

	(void)state;
	seeded_start();
	for (int i = 0; i < 3000; i++) {
		memcpy(mutant, text, sizeof(text));
		len = seeded_below(sizeof(text));
		for (size_t n = seeded_below(4); n > 0; n--)
			mutant[seeded_below(sizeof(text))] =
			    letters[seeded_below(sizeof(letters))];
		root = parse(mutant, len, &p);
		assert_true((root != NULL) == (p.n == 0));
		yaml_free(root);
		problems_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree_with_positions),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_nothing_is_an_empty_map),
		cmocka_unit_test(test_many_items),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_goes_on_after_a_duplicate),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_many_brackets),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_garbled),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
