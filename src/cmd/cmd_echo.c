/*
 * netrt echo: is there somebody who speaks DICOM?
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/peer.h"

const char cmd_echo_usage[] =
	"usage: netrt echo HOST:PORT [--aet TITLE] [--aec TITLE] [--timeout SECONDS]\n"
	"\n"
	"Open an association, send one C-ECHO, release; say how long it took and who it is.\n"
	"\n"
	"HOST:PORT          a name or an address; IPv6 as [ADDRESS]:PORT\n"
	"--aet TITLE        our AE title; default NETRT\n"
	"--aec TITLE        the AE title called; default ANY-SCP\n"
	"--timeout SECONDS  for connecting and for each answer; default 30\n"
	"\n"
	"Exit codes: 0 answered with success, 64 usage, 65 answered with another status or\n"
	"Verification refused, 69 nobody there, or no association, 74 standard output failed.\n";

static int tell(const struct peer *p, const struct peer_assoc *t,
		const struct dimse_command *response, uint64_t connect_us, uint64_t echo_us)
{
	const struct dul_user_info *user = &t->answer.user;

	if (response->status != DIMSE_SUCCESS) {
		log_say(LOG_ERROR, "echo: %s answers %04X, %s%s%s", peer_name(p), response->status,
			dimse_status_text(response->status),
			response->error_comment[0] != '\0' ? ": " : "", response->error_comment);
		return EX_DATAERR;
	}
	printf("%s answers: association in %.1f ms, C-ECHO in %.1f ms\n", peer_name(p),
	       (double)connect_us / 1000, (double)echo_us / 1000);
	printf("it is %s%s%s, and takes PDUs of ",
	       user->implementation_class.text[0] != '\0' ? user->implementation_class.text
							  : "somebody",
	       user->implementation_version[0] != '\0' ? ", " : "",
	       log_quote_str(user->implementation_version));
	if (!user->has_max_pdu || user->max_pdu == 0)
		puts("any length");
	else
		printf("%u bytes\n", user->max_pdu);
	return EX_OK;
}

static int echo(const struct peer *p)
{
	static struct peer_assoc t;
	const struct dimse_command *response;
	uint64_t began = clock_us(), opened;
	uint8_t context;
	int code;

	peer_request(&t.request, p);
	scu_propose_one(&t.request, &dimse_verification, "1.2.840.10008.1.2");
	if (!peer_open(&t, p)) {
		log_say(LOG_ERROR, "echo: %s: %s", peer_name(p), t.why);
		return EX_UNAVAILABLE;
	}
	opened = clock_us();
	context = dul_accepted_for(&t.request, &t.answer, &dimse_verification, NULL);
	if (context == 0) {
		log_say(LOG_ERROR, "echo: %s does not accept Verification", peer_name(p));
		peer_close(&t);
		return EX_DATAERR;
	}
	scu_echo(&t.scu, context);
	if (!peer_response(&t, &response)) {
		log_say(LOG_ERROR, "echo: %s: %s", peer_name(p), t.why);
		return EX_UNAVAILABLE;
	}
	code = tell(p, &t, response, opened - began, clock_us() - opened);
	peer_close(&t);
	return code;
}

int cmd_echo(int argc, char **argv)
{
	static const struct option longs[] = {{"aet", required_argument, NULL, 't'},
					      {"aec", required_argument, NULL, 'c'},
					      {"timeout", required_argument, NULL, 'w'},
					      {NULL, 0, NULL, 0}};
	struct peer p = {.calling = "NETRT", .called = "ANY-SCP", .timeout_ms = 30000};
	const char *timeout = NULL;
	int c;

	if (cmd_wants_help(argc, argv, cmd_echo_usage))
		return cmd_finish(EX_OK);
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 't')
			p.calling = optarg;
		else if (c == 'c')
			p.called = optarg;
		else if (c == 'w')
			timeout = optarg;
		else
			return cmd_usage_error("echo", "no such option, or its value is missing");
	}
	if (optind != argc - 1)
		return cmd_usage_error("echo", "takes one HOST:PORT");
	if (!peer_parse(&p, argv[optind]))
		return cmd_usage_error("echo", "the peer is given as HOST:PORT or [ADDRESS]:PORT");
	if (!peer_ae_ok(p.calling) || !peer_ae_ok(p.called))
		return cmd_usage_error("echo", "an AE title has 1 to 16 characters");
	if (timeout != NULL && !peer_seconds(timeout, &p.timeout_ms))
		return cmd_usage_error("echo", "--timeout takes 1 to 86400 seconds");
	return cmd_finish(echo(&p));
}
