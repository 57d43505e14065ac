/*
 * netrt config policy: what de-identification does to every attribute, as a table.
 */
#ifndef CMD_CONFIG_POLICY_H
#define CMD_CONFIG_POLICY_H

/* argv[0] is "policy"; the exit code. */
int config_policy(int argc, char **argv);

#endif
