/* Reading one member of a JSON object with its type checked, for the decoders
 * of etcd's answers: every wrong type becomes one line that names the member.
 * Knows no answer as a whole. */
#include "etcd/field.h"

#include <math.h>

#include "core/err.h"
#include "core/json.h"
#include "core/timefmt.h"

/* The member, NULL when absent or null. */
static const cJSON *find(const cJSON *o, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

	return v && cJSON_IsNull(v) ? NULL : v;
}

static int wrong(struct err *e, const cJSON *v, const char *name,
    const char *type)
{
	if (!v)
		return err_set(e, "\"%s\" is missing", name);
	return err_set(e, "\"%s\" is not %s", name, type);
}

bool field_has(const cJSON *o, const char *name)
{
	return find(o, name) != NULL;
}

int field_str(const cJSON *o, const char *name, const char **v_r,
    struct err *e)
{
	const cJSON *v = find(o, name);

	if (!v || !cJSON_IsString(v))
		return wrong(e, v, name, "a string");
	*v_r = v->valuestring;
	return 0;
}

int field_opt_str(const cJSON *o, const char *name, const char **v_r,
    struct err *e)
{
	*v_r = "";
	return find(o, name) ? field_str(o, name, v_r, e) : 0;
}

int field_u64(const cJSON *o, const char *name, uint64_t *v_r, struct err *e)
{
	int found = json_u64(o, name, v_r, e);

	if (found == 0)
		return wrong(e, NULL, name, NULL);
	return found < 0 ? -1 : 0;
}

int field_double(const cJSON *o, const char *name, double *v_r,
    struct err *e)
{
	const cJSON *v = find(o, name);

	if (!v || !cJSON_IsNumber(v) || !isfinite(v->valuedouble))
		return wrong(e, v, name, "a number");
	*v_r = v->valuedouble;
	return 0;
}

int field_opt_double(const cJSON *o, const char *name, double *v_r,
    struct err *e)
{
	*v_r = 0;
	return find(o, name) ? field_double(o, name, v_r, e) : 0;
}

int field_opt_bool(const cJSON *o, const char *name, bool *v_r,
    struct err *e)
{
	const cJSON *v = find(o, name);

	*v_r = false;
	if (!v)
		return 0;
	if (!cJSON_IsBool(v))
		return wrong(e, v, name, "true or false");
	*v_r = cJSON_IsTrue(v);
	return 0;
}

int field_time(const cJSON *o, const char *name, wall_t *v_r, struct err *e)
{
	const char *text;

	if (field_str(o, name, &text, e) < 0)
		return -1;
	if (timefmt_parse_rfc3339(text, v_r, e) < 0)
		return err_prefix(e, "\"%s\"", name);
	return 0;
}

int field_object(const cJSON *o, const char *name, const cJSON **v_r,
    struct err *e)
{
	*v_r = find(o, name);
	if (!*v_r || !cJSON_IsObject(*v_r))
		return wrong(e, *v_r, name, "an object");
	return 0;
}

int field_array(const cJSON *o, const char *name, const cJSON **v_r,
    struct err *e)
{
	*v_r = find(o, name);
	if (!*v_r || !cJSON_IsArray(*v_r))
		return wrong(e, *v_r, name, "an array");
	return 0;
}

int field_opt_array(const cJSON *o, const char *name, const cJSON **v_r,
    struct err *e)
{
	*v_r = NULL;
	return find(o, name) ? field_array(o, name, v_r, e) : 0;
}
