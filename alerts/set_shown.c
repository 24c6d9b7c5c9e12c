/* The alerts that pend or fire, as samples of rollcall_alerts.  Each is
 * rendered when its state changes, not when it is asked for: a picture of tens
 * of thousands of them, many times a second, then costs no more than a list of
 * references. */
#include <stdlib.h>

#include "alerts/set_impl.h"
#include "core/snapshot.h"
#include "core/xalloc.h"

enum { LABELS_MAX = 64 * 1024 };

struct shown {
	struct rstr *labels;
	struct alert *alert;
};

static struct rstr *render(const struct alert *a)
{
	struct labels l = { 0 };
	struct rstr *text;
	struct buf b;

	labels_copy(&l, &a->labels);
	labels_set(&l, "alertstate", alert_state_names[a->machine.state]);
	buf_init(&b, LABELS_MAX);
	labels_render(&l, &b);
	text = rstr_new(buf_str(&b));
	buf_free(&b);
	labels_free(&l);
	return text;
}

void set_hide(struct alert_set *s, struct alert *a)
{
	struct shown *hole;

	if (a->shown == 0)
		return;
	hole = &s->shown[a->shown - 1];
	rstr_unref(hole->labels);
	*hole = s->shown[--s->nshown];
	hole->alert->shown = a->shown;
	a->shown = 0;
}

void set_show(struct alert_set *s, struct alert *a)
{
	set_hide(s, a);
	if (a->machine.state != ALERT_PENDING && !alert_firing(a))
		return;
	if (s->nshown == s->shown_cap) {
		s->shown_cap = s->shown_cap ? s->shown_cap * 2 : 64;
		s->shown = xreallocarray(s->shown, s->shown_cap,
		    sizeof(*s->shown));
	}
	s->shown[s->nshown++] = (struct shown){ render(a), a };
	a->shown = s->nshown;
}

void set_samples(const struct alert_set *s, struct sample_sink *to)
{
	for (size_t i = 0; i < s->nshown; i++)
		sample_add_shared(to, M_alerts, 1, s->shown[i].labels);
	sample_add(to, M_alerts_muted, (double)s->nmuted);
}

void set_free_shown(struct alert_set *s)
{
	for (size_t i = 0; i < s->nshown; i++)
		rstr_unref(s->shown[i].labels);
	free(s->shown);
}
