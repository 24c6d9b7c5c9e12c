#ifndef CORE_CONFIG_TABLES_H
#define CORE_CONFIG_TABLES_H

#include "core/options.h"

/* rollcall.yml: the option set of struct config.  For core/config.c. */
extern const struct option_set config_options;

/* Checks that look at one thing at a time; each is a check() of its set. */
struct yaml_node;
struct problems;

void config_check_root(void *config, const struct yaml_node *node,
    struct problems *p);
void config_check_cluster(void *cluster, const struct yaml_node *node,
    struct problems *p);
void config_check_directory(void *directory, const struct yaml_node *node,
    struct problems *p);
void config_check_service(void *service, const struct yaml_node *node,
    struct problems *p);
void config_check_alertmanager(void *alertmanager,
    const struct yaml_node *node, struct problems *p);

#endif
