/* What each rule says of subjects built by hand. */
#include "alerts/rules.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static char cluster_name[] = "im", service_name[] = "login_server",
    path[] = "/login_servers",
    member_name[] = "127.0.0.1:2379";
static struct directory_config directory_config;
static struct directory directory, *directories[1];
static struct member member;
static struct cluster cluster;
static struct feed feed;
static struct service service;
static struct instance instance;

static int begin_test(void **state)
{
	(void)state;
	directory_config = (struct directory_config){ .instances = 0 };
	cluster = (struct cluster){
		.name = cluster_name, .directories = directories,
		.ndirectories = 1, .members = &member, .nmembers = 1,
		.answers = true, .has_leader = true,
	};
	directory = (struct directory){
		.cluster = &cluster, .config = &directory_config,
		.path = path, .looking = true, .synced = true,
	};
	directories[0] = &directory;
	member = (struct member){ .cluster = &cluster, .name = member_name };
	feed = (struct feed){ &directory, 1 };
	service = (struct service){
		.cluster = &cluster, .name = service_name, .feeds = &feed,
		.nfeeds = 1, .synced = true, .min_instances = 1, .known = 3,
		.up = 3,
	};
	instance = (struct instance){
		.service = &service, .directory = &directory,
		.names = names_new("0001-0001", "/login_servers/0001-0001",
		    "10.0.0.7:80", "10.0.0.7:80", ""),
	};
	instance.period.state = STATE_UP;
	instance.period.cause = CAUSE_REGISTERED;
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	names_unref(instance.names);
	return 0;
}

static const struct rule *rule(const char *name)
{
	const struct rule *r = rule_find(name);

	assert_non_null(r);
	return r;
}

static bool holds(const char *name, struct subject s)
{
	return rule(name)->condition(&s);
}

static bool frozen(const char *name, struct subject s)
{
	const struct rule *r = rule(name);

	return r->frozen != NULL && r->frozen(&s);
}

static void the_table_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < RULES; i++) {
		const struct rule *r = &rules[i];
		size_t n = strlen(r->summary);

		if (i > 0)
			assert_true(strcmp(rules[i - 1].name, r->name) < 0);
		assert_true(r->summary[0] >= 'A' && r->summary[0] <= 'Z');
		assert_int_equal(r->summary[n - 1], '.');
		assert_null(strchr(r->summary, '%'));
		assert_true(strlen(r->name) <= 40);
		assert_ptr_equal(rule_find(r->name), r);
	}
	assert_null(rule_find("Nothing"));
}

static void instance_vanished(void **state)
{
	const char *name = "EtcdRegistryInstanceVanished";
	struct subject s = subject_of_instance(&instance);

	(void)state;
	assert_false(holds(name, s));
	instance.period.state = STATE_EXPIRED;
	assert_true(holds(name, s));
	assert_false(frozen(name, s));
	instance.held = true;
	assert_true(frozen(name, s));
	instance.held = false;
	directory.looking = false;
	assert_true(frozen(name, s));
	instance.period.state = STATE_LOST;
	assert_true(holds(name, s));
	directory_config.instances = INSTANCES_EPHEMERAL;
	assert_false(holds(name, s));
	directory.config = NULL;		/* no longer configured */
	assert_false(holds(name, s));
	end_test(NULL);
	begin_test(NULL);
	instance.period.state = STATE_DEREGISTERED;
	assert_false(holds(name, s));
}

static void tells_how_it_vanished(void **state)
{
	struct subject s = subject_of_instance(&instance);
	struct labels l = { 0 }, a = { 0 };

	(void)state;
	instance.period = (struct period){
		.state = STATE_EXPIRED, .cause = CAUSE_EXPIRE,
		.from = { INT64_C(1787392867123) },
	};
	rule_labels(rule("EtcdRegistryInstanceVanished"), &s, &l);
	assert_int_equal(l.n, 5);
	assert_string_equal(labels_get(&l, "alertname"),
	    "EtcdRegistryInstanceVanished");
	assert_string_equal(labels_get(&l, "severity"), "warning");
	assert_string_equal(labels_get(&l, "etcd_cluster"), "im");
	assert_string_equal(labels_get(&l, "service_name"), "login_server");
	assert_string_equal(labels_get(&l, "instance_id"), "0001-0001");
	rule_annotations(rule("EtcdRegistryInstanceVanished"), &s, &a);
	assert_string_equal(labels_get(&a, "vanished_at"),
	    "2026-08-22T10:01:07.123Z");
	assert_string_equal(labels_get(&a, "cause"), "expire");
	assert_string_equal(labels_get(&a, "key"), names_key(instance.names));
	assert_string_equal(labels_get(&a, "address"), "10.0.0.7:80");
	assert_string_equal(labels_get(&a, "description"),
	    "login_server/0001-0001 (10.0.0.7:80) of etcd cluster im is no "
	    "longer registered: its TTL ran out at 2026-08-22T10:01:07.123Z.");
	assert_null(labels_get(&a, "vanished_after"));
	labels_free(&l);
	labels_free(&a);
}

/* Found missing: between two moments. */
static void tells_when_it_was_last_there(void **state)
{
	struct subject s = subject_of_instance(&instance);
	struct instance_rare rare = {
		.noticed.earliest = { INT64_C(1787392865000) },
	};
	struct labels a = { 0 };

	(void)state;
	instance.rare = &rare;
	instance.period = (struct period){
		.state = STATE_LOST, .cause = CAUSE_DIFF,
		.from = { INT64_C(1787392867123) },
	};
	rule_annotations(rule("EtcdRegistryInstanceVanished"), &s, &a);
	assert_string_equal(labels_get(&a, "vanished_after"),
	    "2026-08-22T10:01:05.000Z");
	assert_string_equal(labels_get(&a, "vanished_at"),
	    "2026-08-22T10:01:07.123Z");
	labels_free(&a);
}

static void service_rules(void **state)
{
	const char *gone = "EtcdRegistryServiceGone",
	    *below = "EtcdRegistryServiceBelowMinimum";
	static const struct {
		size_t min, up;
		bool gone, below;
	} cases[] = {
		{ 0, 0, false, false }, { 1, 0, true, false },
		{ 1, 1, false, false }, { 2, 0, true, false },
		{ 2, 1, false, true }, { 2, 2, false, false },
		{ 5, 4, false, true }, { 5, 9, false, false },
	};
	struct subject s = subject_of_service(&service);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		service.min_instances = cases[i].min;
		service.up = cases[i].up;
		assert_int_equal(holds(gone, s), cases[i].gone);
		assert_int_equal(holds(below, s), cases[i].below);
		service.nfeeds = 0;
		assert_false(holds(gone, s) || holds(below, s));
		service.nfeeds = 1;
	}
}

static void service_freezes(void **state)
{
	const char *gone = "EtcdRegistryServiceGone";
	struct subject s = subject_of_service(&service);

	(void)state;
	assert_false(frozen(gone, s));
	service.not_looking = 1;
	assert_true(frozen(gone, s));
	service.not_looking = 0;
	service.synced = false;
	assert_true(frozen(gone, s));
	service.nfeeds = 0;
	assert_false(frozen(gone, s));
	end_test(NULL);
	begin_test(NULL);
	service.held = 2;			/* by a storm, but enough up */
	assert_false(frozen(gone, s));
	service.min_instances = 4;
	assert_true(frozen(gone, s));
	service.min_instances = 0;
	service.up = 0;
	assert_true(frozen(gone, s));
}

/* Each reason once, with the directories it is about. */
static void reasons_of_not_looking(void **state)
{
	struct subject s = subject_of_cluster(&cluster);
	struct directory more[3], *all[] = { &directory, &more[0], &more[1],
		&more[2] };
	char paths[3][4] = { "/b", "/c", "/d" };
	struct labels a = { 0 };

	(void)state;
	directory.looking = false;
	for (size_t i = 0; i < 3; i++) {
		more[i] = directory;
		more[i].path = paths[i];
	}
	cluster.directories = all;
	cluster.ndirectories = 4;
	cluster.answers = false;	/* not without v2 */
	more[0].refusal = REFUSAL_UNAUTHORIZED;
	more[1].refusal = directory.refusal = REFUSAL_NO_V2;
	rule_annotations(rule("EtcdRegistryNotLooking"), &s, &a);
	assert_string_equal(labels_get(&a, "directories"), "/login_servers, "
	    "/c: etcd's v2 API is switched off: start etcd with "
	    "--enable-v2=true; /b: etcd says not authorised (401): set "
	    "http_config of the cluster to a user who may read; "
	    "/d: no member answers");
	more[0].looking = more[1].looking = directory.looking = true;
	rule_annotations(rule("EtcdRegistryNotLooking"), &s, &a);
	assert_string_equal(labels_get(&a, "description"), "etcd cluster im: "
	    "not looking at /d: no member answers. Alerts on their instances "
	    "and services stay as they are.");
	labels_free(&a);
}

static void cluster_rules(void **state)
{
	struct subject s = subject_of_cluster(&cluster);
	struct labels a = { 0 };

	(void)state;
	assert_false(holds("EtcdRegistryNotLooking", s));
	directory.looking = false;
	assert_true(holds("EtcdRegistryNotLooking", s));
	cluster.answers = false;
	rule_annotations(rule("EtcdRegistryNotLooking"), &s, &a);
	assert_string_equal(labels_get(&a, "directories"),
	    "/login_servers: no member answers");
	labels_free(&a);
	assert_false(holds("EtcdNoLeader", s));
	assert_true(frozen("EtcdNoLeader", s));
	cluster.answers = true;
	assert_false(holds("EtcdNoLeader", s));
	cluster.has_leader = false;
	assert_true(holds("EtcdNoLeader", s));
	assert_false(frozen("EtcdNoLeader", s));
	assert_false(holds("EtcdRegistryMassVanish", s));
	cluster.mass_vanish = true;
	assert_true(holds("EtcdRegistryMassVanish", s));
	assert_false(frozen("EtcdRegistryMassVanish", s));
	directory.synced = false;
	assert_true(frozen("EtcdRegistryMassVanish", s));
}

static void member_rules(void **state)
{
	struct endpoint_state *v = &member.endpoints[ENDPOINT_VERSION];
	struct subject s = subject_of_member(&member);

	struct labels l = { 0 };

	(void)state;
	assert_true(frozen("EtcdMemberDown", s));	/* not polled yet */
	v->failures = 2;
	assert_false(holds("EtcdMemberDown", s));
	assert_true(frozen("EtcdMemberDown", s));
	v->failures = 3;
	assert_true(holds("EtcdMemberDown", s));
	assert_false(frozen("EtcdMemberDown", s));
	snprintf(v->reason, sizeof(v->reason), "Connection refused");
	rule_annotations(rule_find("EtcdMemberDown"), &s, &l);
	assert_string_equal(labels_get(&l, "reason"), "Connection refused");
	labels_free(&l);
	v->failures = 0;
	v->up = true;
	assert_false(holds("EtcdMemberDown", s));
	assert_false(frozen("EtcdMemberDown", s));
}

/* Every rule has words for its subject, whatever is unknown of it. */
static void all_tell_something(void **state)
{
	struct subject of[] = {
		[SUBJECT_INSTANCE] = subject_of_instance(&instance),
		[SUBJECT_SERVICE] = subject_of_service(&service),
		[SUBJECT_CLUSTER] = subject_of_cluster(&cluster),
		[SUBJECT_MEMBER] = subject_of_member(&member),
		[SUBJECT_GLOBAL] = subject_global(),
	};

	(void)state;
	names_unref(instance.names);
	instance.names = names_new("0001-0001", "/login_servers/0001-0001",
	    "{}", NULL, "");
	cluster.ndirectories = 0;
	for (size_t i = 0; i < RULES; i++) {
		struct labels l = { 0 };

		rule_labels(&rules[i], &of[rules[i].kind], &l);
		rule_annotations(&rules[i], &of[rules[i].kind], &l);
		assert_non_null(labels_get(&l, "summary"));
		assert_non_null(labels_get(&l, "description"));
		labels_free(&l);
	}
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, begin_test, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_table_is_sound),
		TEST(instance_vanished),
		TEST(tells_how_it_vanished),
		TEST(tells_when_it_was_last_there),
		TEST(service_rules),
		TEST(service_freezes),
		TEST(cluster_rules),
		TEST(reasons_of_not_looking),
		TEST(member_rules),
		TEST(all_tell_something),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
