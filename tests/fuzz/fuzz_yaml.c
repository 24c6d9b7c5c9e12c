/* The input as YAML, as rollcall.yml and as a notify file, through the loaders
 * that `serve` and `check` use.  A configuration that is accepted must print
 * what is accepted again and prints the same.  The disk is left alone: the
 * linker puts file_read() of this file in the place of core/file.c's. */
#include "tests/fuzz/fuzz.h"

#include "alerts/alerts.h"
#include "alerts/notify_config.h"
#include "core/buf.h"
#include "core/config.h"
#include "core/err.h"
#include "core/file.h"
#include "core/xalloc.h"
#include "core/yaml.h"

enum { MAX_PRINT = 1 << 24, MAX_DEPTH = 16 };

static const char name[] = "fuzz.yml";

/* What is in the file of that name. */
static const char *content;
static size_t content_len;

char *__wrap_file_read(const char *path, size_t max, size_t *len_r,
    struct err *e);

static char *with_nul(const void *bytes, size_t n)
{
	char *text = xcalloc(1, n + 1);

	memcpy(text, bytes, n);
	return text;
}

/* The files that the input names have what their names promise, if any. */
char *__wrap_file_read(const char *path, size_t max, size_t *len_r,
    struct err *e)
{
	const char *text = NULL;

	if (strcmp(path, name) == 0 && content_len <= max) {
		*len_r = content_len;
		return with_nul(content, content_len);
	}
	if (strstr(path, ".pem"))
		text = "-----BEGIN CERTIFICATE-----\n";
	else if (strstr(path, ".txt"))
		text = "secret\n";
	else
		err_set(e, "%s: No such file or directory", path);
	if (text)
		*len_r = strlen(text);
	return xstrdup(text);
}

/* As deep as the tree, which yaml_parse() limits. */
static void check_node(const struct yaml_node *n, int depth)
{
	MUST(depth <= MAX_DEPTH);
	MUST(n->line >= 1 && n->column >= 1);
	MUST(strcmp(n->file, name) == 0);
	MUST((n->kind == YAML_SCALAR) == (n->text != NULL));
	MUST(!n->text || is_text(n->text));
	MUST(n->n == 0 || n->kind == YAML_LIST || n->kind == YAML_MAP);
	for (size_t i = 0; i < n->n; i++) {
		if (n->kind == YAML_MAP) {
			check_node(n->keys[i], depth);
			MUST(n->keys[i]->kind == YAML_SCALAR);
			MUST(yaml_get(n, n->keys[i]->text) == n->items[i]);
		}
		check_node(n->items[i], depth + 1);
	}
}

static void check_tree(const uint8_t *data, size_t size)
{
	char *text = exactly(data, size);
	struct problems p = { 0 };
	struct yaml_node *root = yaml_parse(name, text, size, &p);

	free(text);
	if (root)
		check_node(root, 0);
	check_problems(&p, root != NULL, name);
	yaml_free(root);
}

static char *printed(const struct config *c)
{
	struct buf b;

	buf_init(&b, MAX_PRINT);
	config_print(c, &b);
	MUST(!b.failed);
	return buf_take(&b, NULL);
}

static void check_print(const struct config *c)
{
	struct problems p = { 0 };
	char *first = printed(c), *second;
	struct config *again;

	content = first;
	content_len = strlen(first);
	again = config_load(name, &p);
	if (!again)
		fprintf(stderr, "%s\n%s\n", p.lines[0], first);
	check_problems(&p, again != NULL, name);
	MUST(again);
	second = printed(again);
	MUST(strcmp(first, second) == 0);
	free(second);
	free(first);
	config_unref(again);
}

static void check_config(void)
{
	struct problems p = { 0 };
	struct config *c = config_load(name, &p);

	check_problems(&p, c != NULL, name);
	if (c) {
		MUST(c->clusters.n > 0);
		MUST(config_cluster(c, 0)->endpoints.n > 0);
		MUST(config_cluster(c, 0)->directories.n > 0);
		check_print(c);
	}
	config_unref(c);
}

static void check_notify(void)
{
	struct problems p = { 0 };
	struct notify_config *n = notify_config_load(name, &p);

	check_problems(&p, n != NULL, name);
	if (n)
		MUST(notify_config_receiver(n, n->route.receiver));
	notify_config_free(n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_tree(data, size);
	content = (const char *)data;
	content_len = size;
	check_notify();
	check_config();
	return 0;
}
