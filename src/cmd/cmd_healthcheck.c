/*
 * netrt healthcheck: is the service alive?  For container and service managers.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/peer.h"

#define TIMEOUT_MS 4000u /* the container image gives a check 5 s */

const char cmd_healthcheck_usage[] =
	"usage: netrt healthcheck [-c CONFIG]\n"
	"\n"
	"Ask the service whether it serves, and send it a C-ECHO over the loopback interface. For\n"
	"HEALTHCHECK of a container, an exec probe, a monitor.\n"
	"\n"
	"-c, --config FILE   as the service has it; without it what NETRT_CONFIG names\n"
	"\n"
	"An association that is refused for who asks, or because there are too many, is an "
	"answer:\n"
	"the service is alive.\n"
	"\n"
	"Exit codes: 0 it serves, 1 it does not, 64 usage, 78 configuration.\n";

/* An address to listen on as one to connect to. */
static void loopback(struct peer *p)
{
	if (strcmp(p->host, "0.0.0.0") == 0)
		snprintf(p->host, sizeof(p->host), "127.0.0.1");
	else if (strcmp(p->host, "::") == 0)
		snprintf(p->host, sizeof(p->host), "::1");
}

static int unhealthy(const char *why)
{
	log_say(LOG_ERROR, "healthcheck: %s", why);
	return 1;
}

static int echo(const struct peer *p)
{
	static struct peer_assoc t;
	const struct dimse_command *response;

	peer_request(&t.request, p);
	scu_propose_one(&t.request, &dimse_verification, "1.2.840.10008.1.2");
	if (!peer_open(&t, p))
		return t.rejected ? EX_OK : unhealthy(t.why);
	uint8_t context = dul_accepted_for(&t.request, &t.answer, &dimse_verification, NULL);
	if (context == 0) {
		peer_close(&t);
		return unhealthy("Verification is not accepted");
	}
	scu_echo(&t.scu, context);
	if (!peer_response(&t, &response))
		return unhealthy(t.why);
	int code = response->status == DIMSE_SUCCESS ? EX_OK : unhealthy("a C-ECHO failed");
	peer_close(&t);
	return code;
}

/* "serving 0.0.0.0:11112 NETRT" */
static int check(char *answer)
{
	struct peer p = {.timeout_ms = TIMEOUT_MS, .calling = "NETRT_HEALTH"};
	char *address = strchr(answer, ' ');
	char *title = address != NULL ? strchr(address + 1, ' ') : NULL;

	if (title == NULL)
		return unhealthy("the service does not say where it listens");
	*title++ = '\0';
	title[strcspn(title, "\n")] = '\0';
	p.called = title;
	if (!peer_parse(&p, address + 1))
		return unhealthy("the service does not say where it listens");
	loopback(&p);
	return echo(&p);
}

int cmd_healthcheck(int argc, char **argv)
{
	struct asking a = {.command = "healthcheck"};
	struct buf out = BUF_INIT(4096);

	if (cmd_wants_help(argc, argv, cmd_healthcheck_usage))
		return cmd_finish(EX_OK);
	int code = ask_options(&a, argc, argv, "");
	if (code != EX_OK)
		return code;
	if (a.words != 0)
		return cmd_usage_error("healthcheck", "takes no arguments but options");
	code = ask(&a, "health", &out);
	if (code == EX_OK)
		code = check(out.at != NULL ? (char *)out.at : (char[]){""});
	else if (code != EX_CONFIG)
		code = unhealthy(out.len > 0
					 ? log_quote(bytes_slice(buf_bytes(&out), 0, out.len - 1))
					 : "the service does not answer");
	buf_free(&out);
	return cmd_finish(code);
}
