#ifndef ALERTS_RULES_H
#define ALERTS_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "alerts/machine.h"
#include "core/labels.h"

struct cluster;
struct instance;
struct member;
struct service;

/* The rules, as a table.  A rule looks at one subject and says whether its
 * condition holds, whether that can be trusted, and what to tell people. */
enum subject_kind {
	SUBJECT_INSTANCE, SUBJECT_SERVICE, SUBJECT_CLUSTER, SUBJECT_MEMBER,
	SUBJECT_GLOBAL
};

/* What a rule looks at; only what belongs to the kind is set, and all above
 * it (an instance has its service and its cluster). */
struct subject {
	enum subject_kind kind;
	const struct instance *instance;
	const struct service *service;
	const struct member *member;
	const struct cluster *cluster;
};

struct rule {
	const char *name, *severity, *summary;
	struct machine_spec timing;
	enum subject_kind kind;
	bool heartbeat;		/* for Alertmanagers only, not for receivers */
	bool (*condition)(const struct subject *s);
	/* The condition cannot be trusted now: the alert stays as it is.
	 * NULL: always can. */
	bool (*frozen)(const struct subject *s);
	void (*annotate)(const struct subject *s, struct labels *to);
};

enum { RULES = 8 };

extern const struct rule rules[RULES];

const struct rule *rule_find(const char *name);		/* or NULL */

struct subject subject_of_instance(const struct instance *i);
struct subject subject_of_service(const struct service *s);
struct subject subject_of_cluster(const struct cluster *c);
struct subject subject_of_member(const struct member *m);
struct subject subject_global(void);

/* Adds alertname, severity and the labels that name the subject. */
void rule_labels(const struct rule *r, const struct subject *s,
    struct labels *to);

/* The names rule_labels() may set, NULL-terminated. */
extern const char *const rule_label_names[];

/* A label of this name says what alerts of the rule are about. */
bool rule_names_by(const struct rule *r, const char *label);

/* Adds summary, description and what else is known. */
void rule_annotations(const struct rule *r, const struct subject *s,
    struct labels *to);

#endif
