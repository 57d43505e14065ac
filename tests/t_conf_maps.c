/*
 * Lists of sections (dicom_listener.allow, dicom_destinations), what a configuration must be as a
 * whole, and what a new one changes.
 */
#include "support/conf_read.h"

Suite *suite_conf_maps(void);

/* ---- what is said ---------------------------------------------------------------------------- */

static const struct {
	const char *text, *said;
} rows[] = {
	{"dicom_destinations: []\n", ""},
	{"dicom_destinations: [{ip: a, ae_title: B}]\n", ""},
	{"dicom_destinations:\n- ip: a\n  ae_title: B\n- ip: b\n  ae_title: C\n", ""},
	{"dicom_listener: {allow: [{ae_title: A}, {address: 10.0.0.1}]}\n", ""},
	{"dicom_listener: {allow: [{ae_title: A, address: ~}]}\n", ""},
	{"dicom_listener: {allow: [{address: '2001:db8::/32'}, {address: '::1'}]}\n", ""},
	{"dicom_listener: {allow: [{address: 0.0.0.0/0}]}\n", ""},

	{"dicom_destinations:\n",
	 "1:20: dicom_destinations: warning: has no value, so the default stands: []\n"},
	{"dicom_destinations: a\n",
	 "1:21: dicom_destinations: needs a list, as in [{name: pacs, ip: 10.0.0.7, port: 104, "
	 "ae_title: PACS}]\n"},
	{"dicom_destinations: {ip: a}\n",
	 "1:21: dicom_destinations: needs a list, not a section\n"},
	{"dicom_destinations: [a]\n",
	 "1:22: dicom_destinations: each item must be a section of keys, as in {name: pacs, ip: "
	 "10.0.0.7, port: 104, ae_title: PACS}\n"},
	{"dicom_destinations: [[{ip: a}]]\n",
	 "1:22: dicom_destinations: each item must be a section of keys, as in {name: pacs, ip: "
	 "10.0.0.7, port: 104, ae_title: PACS}\n"},
	{"dicom_destinations: [{}]\n", "1:22: dicom_destinations[1]: needs ip\n"
				       "1:22: dicom_destinations[1]: needs ae_title\n"},
	{"dicom_destinations: [{ip: , ae_title: B}]\n",
	 "1:27: dicom_destinations[1].ip: has no value, and needs one\n"},
	{"dicom_destinations: [{ip: a, ae_title: B, port: }]\n",
	 "1:49: dicom_destinations[1].port: warning: has no value, so the default stands: 104\n"},
	{"dicom_destinations: [5, {ip: a, ae_title: B, port: x}]\n",
	 "1:22: dicom_destinations: each item must be a section of keys, as in {name: pacs, ip: "
	 "10.0.0.7, port: 104, ae_title: PACS}\n"
	 "1:52: dicom_destinations[2].port: \"x\" is not a whole number\n"},
	{"dicom_destinations: [{ip: a, ae_title: B, ip: c}]\n",
	 "1:43: dicom_destinations[1].ip: given twice; the first one is in line 1\n"},
	{"dicom_destinations: [{ip: a, ae_title: B, aet: c}]\n",
	 "1:43: dicom_destinations[1].aet: warning: unknown key, not read\n"},
	{"dicom_destinations: [{ip: a, aetitle: B}]\n",
	 "1:30: dicom_destinations[1].aetitle: warning: unknown key, not read; did you mean "
	 "ae_title?\n"
	 "1:22: dicom_destinations[1]: needs ae_title\n"},
	/* a key of the table is none of the section's */
	{"dicom_destinations: [{ip: a, ae_title: B, watcher: 5}]\n",
	 "1:43: dicom_destinations[1].watcher: warning: unknown key, not read\n"},
	{"dicom_destinations: [{ip: a, ae_title: B, watcher: {debounce_interval_seconds: 9}}]\n",
	 "1:43: dicom_destinations[1].watcher: warning: unknown key, not read\n"},
	{"dicom_destinations: [{ip: [a], ae_title: {B: c}}]\n",
	 "1:27: dicom_destinations[1].ip: needs a single value, not a list\n"
	 "1:42: dicom_destinations[1].ae_title: needs a single value, not a section\n"},
	{"dicom_destinations: [{ip: a, ae_title: B, permanent_statuses: A900}]\n",
	 "1:63: dicom_destinations[1].permanent_statuses: needs a list, as in [A9xx]\n"},
	{"dicom_destinations: [{ip: a, ae_title: B, permanent_statuses: [A900, {}]}]\n",
	 "1:70: dicom_destinations[1].permanent_statuses: each item must be a single text\n"},
	{"dicom_destinations: [{ip: a, ae_title: B, permanent_statuses: [0122]}]\n",
	 "1:64: dicom_destinations[1].permanent_statuses: \"0122\" without quotes is a number in "
	 "YAML; put it in quotes\n"},
	{"dicom_destinations: [&x {ip: a, ae_title: B}, *x]\n",
	 "1:22: dicom_destinations: anchors are not accepted\n"
	 "1:47: dicom_destinations: aliases are not accepted\n"},
	{"dicom_destinations[1]: {ip: a}\n",
	 "1:1: dicom_destinations[1]: warning: unknown key, not read; did you mean "
	 "dicom_destinations?\n"},
	{"dicom_destinations.ip: a\n",
	 "1:1: dicom_destinations.ip: warning: not read: dots are no part of a key; write each "
	 "section on a line of its own\n"},

	{"dicom_listener: {allow: [{}]}\n",
	 "1:26: dicom_listener.allow[1]: would let in everybody; it needs an ae_title, an "
	 "address, or both\n"},
	{"dicom_listener: {allow: [{ae_title: ~, address: null}]}\n",
	 "1:26: dicom_listener.allow[1]: would let in everybody; it needs an ae_title, an "
	 "address, or both\n"},
	{"dicom_listener: {allow: [{address: 10.0.0.0/33, ae_title: A}]}\n",
	 "1:36: dicom_listener.allow[1].address: \"10.0.0.0/33\": is neither an address nor a "
	 "network, as 10.1.0.0/16 is one\n"},
	{"dicom_listener: {allow: [{address: pacs.example.org, ae_title: A}]}\n",
	 "1:36: dicom_listener.allow[1].address: \"pacs.example.org\": is neither an address nor a "
	 "network, as 10.1.0.0/16 is one\n"},
	{"dicom_listener: {allow: [{address: '1.2.3.4/', ae_title: A}]}\n",
	 "1:36: dicom_listener.allow[1].address: \"1.2.3.4/\": is neither an address nor a "
	 "network, as 10.1.0.0/16 is one\n"},
	{"dicom_listener: {allow: [{address: '::/129', ae_title: A}]}\n",
	 "1:36: dicom_listener.allow[1].address: \"::/129\": is neither an address nor a "
	 "network, as 10.1.0.0/16 is one\n"},
	{"dicom_listener: {allow: [{address: '::/4294967297', ae_title: A}]}\n",
	 "1:36: dicom_listener.allow[1].address: \"::/4294967297\": is neither an address nor a "
	 "network, as 10.1.0.0/16 is one\n"},

	{"anonymization: {replace: {PatientSex: O, '0008,0080': 'Site 12', A>B: ''}}\n", ""},
	{"anonymization: {replace: }\n",
	 "1:26: anonymization.replace: warning: has no value, so the default stands: {}\n"},
	{"anonymization: {replace: [PatientSex]}\n",
	 "1:26: anonymization.replace: needs a section, not a list\n"},
	{"anonymization: {replace: PatientSex}\n",
	 "1:26: anonymization.replace: needs a section of keys, as in {PatientSex: O}\n"},
	{"anonymization:\n  replace:\n    PatientSex: [O]\n    PatientID: {a: b}\n",
	 "3:17: anonymization.replace.PatientSex: needs a single value, not a list\n"
	 "4:16: anonymization.replace.PatientID: needs a single value, not a section\n"},
	{"anonymization: {replace: {PatientSex: O, PatientSex: F}}\n",
	 "1:42: anonymization.replace.PatientSex: given twice; the first one is in line 1\n"},
	{"anonymization: {replace: {Patient-Sex: O}}\n",
	 "1:27: anonymization.replace.Patient-Sex: \"Patient-Sex\": is neither a DICOM keyword, "
	 "gggg,eeee nor a path of them, as in A>B\n"},
	{"anonymization: {replace: {0008.0080: O, 5: x}}\n",
	 "1:27: anonymization.replace.0008.0080: \"0008.0080\" without quotes is a number in YAML; "
	 "put it in quotes\n"
	 "1:41: anonymization.replace.5: \"5\" without quotes is a number in YAML; put it in "
	 "quotes\n"},
	{"anonymization: {replace: {PatientSex: 5, PatientID: , PatientAge: ~}}\n",
	 "1:39: anonymization.replace.PatientSex: \"5\" without quotes is a number in YAML; put it "
	 "in quotes\n"
	 "1:53: anonymization.replace.PatientID: has no value\n"
	 "1:67: anonymization.replace.PatientAge: has no value\n"},
	{"anonymization: {replace: {<<: x, &a PatientID: *a, [x]: y, PatientSex: O}}\n",
	 "1:27: anonymization.replace.<<: merge keys are not accepted\n"
	 "1:34: anonymization.replace: anchors are not accepted\n"
	 "1:48: anonymization.replace.PatientID: aliases are not accepted\n"
	 "1:52: anonymization.replace: a key must be a single text\n"},
	{"anonymization: {keep: [60xx, '(50xx,3000)', A>B>0010xxxx]}\n",
	 "1:45: anonymization.keep: \"A>B>0010xxxx\": is neither a DICOM keyword, gggg,eeee nor a "
	 "path of them, as in A>B\n"},
	{"anonymization: {options: {retain_uids: true}}\n",
	 "1:40: anonymization.options.retain_uids: is an option of the profiles basic and "
	 "research, and the profile is netrt\n"},
	{"anonymization: {options: {retain_uids: no, clean_graphics: ~}}\n", ""},
	{"anonymization: {profile: Basic, options: {retain_uids: on}}\n", ""},
	{"anonymization: {pixel_regions: [{width: 5}, {width: 5, height: 0}]}\n",
	 "1:33: anonymization.pixel_regions[1]: needs height\n"
	 "1:64: anonymization.pixel_regions[2].height: \"0\" is outside 1 to 65535 pixels\n"},

	/* as a whole */
	{"dicom_destinations: [{ip: a, ae_title: B}, {ip: b, ae_title: B}]\n",
	 "1:21: dicom_destinations: two destinations are called \"B\"; give each a name of its "
	 "own\n"},
	{"dicom_destinations: [{ip: a, ae_title: 'B C'}, {ip: b, ae_title: B_C}]\n",
	 "1:21: dicom_destinations: two destinations are called \"B_C\"; give each a name of its "
	 "own\n"},
	{"dicom_destinations: [{ip: a, ae_title: B}, {ip: a, ae_title: B, name: c}]\n",
	 "1:21: dicom_destinations: warning: \"B\" and \"c\" are the same application entity\n"},
	{"dicom_destinations: [{ip: a, ae_title: B}, {ip: a, ae_title: B, name: c, port: 5}]\n",
	 ""},
	{"dicom_destination: {ip: c}\ndicom_destinations: [{ip: a, ae_title: B}]\n",
	 "2:21: dicom_destinations: warning: takes the place of dicom_destination, which is in the "
	 "file too: nothing is sent there\n"},
	{"storage_commitment: request\n",
	 "1:1: storage_commitment: warning: not read: it is a key of each destination\n"},
};

START_TEST(test_said)
{
	struct conf before;

	memset(&conf, 0x5A, sizeof(conf));
	before = conf;
	enum err e = parse(bytes_str(rows[_i].text));
	ck_assert_msg(strcmp(said(), rows[_i].said) == 0, "%s\nsaid:\n%s\nnot:\n%s", rows[_i].text,
		      said(), rows[_i].said);
	ck_assert_int_eq(e, diags.errors > 0 ? ERR_WIRE : OK);
	if (e != OK)
		ck_assert_msg(memcmp(&conf, &before, sizeof(conf)) == 0, "touched");
}
END_TEST

/* ---- what becomes of it ---------------------------------------------------------------------- */

START_TEST(test_destinations)
{
	static const char text[] =
		"delivery: {permanent_statuses: [Cxxx]}\n"
		"dicom_destinations:\n"
		"  - {name: pacs, ip: '2001:db8::7', port: 11112, ae_title: ' PACS ',\n"
		"     max_associations: 4, storage_commitment: request,\n"
		"     permanent_statuses: ['0122', A9xx]}\n"
		"  - ip: archive.example.org\n"
		"    ae_title: .A/B C\n"
		"durability: none\n";
	const struct conf_destination *d;

	ck_assert_msg(parse(bytes_str(text)) == OK && diags.count == 0, "%s", said());
	ck_assert_int_eq(conf.durability, CONF_DURABILITY_NONE); /* what follows is still read */
	ck_assert_uint_eq(conf.dicom_destinations.count, 2);
	ck_assert_uint_eq(conf.destinations.count, 2);
	d = conf.destinations.item;
	ck_assert_str_eq(d[0].name, "pacs");
	ck_assert_str_eq(d[0].ip, "2001:db8::7");
	ck_assert_int_eq(d[0].port, 11112);
	ck_assert_str_eq(d[0].ae_title, "PACS");
	ck_assert_int_eq(d[0].max_associations, 4);
	ck_assert_int_eq(d[0].storage_commitment, CONF_COMMITMENT_REQUEST);
	ck_assert_uint_eq(d[0].permanent_statuses.count, 2);
	ck_assert_str_eq(d[0].permanent_statuses.item[1], "A9xx");
	ck_assert_str_eq(d[1].name, "_A_B_C");
	ck_assert_str_eq(d[1].ip, "archive.example.org");
	ck_assert_int_eq(d[1].port, 104);
	ck_assert_str_eq(d[1].ae_title, ".A/B C");
	ck_assert_int_eq(d[1].max_associations, 1);
	ck_assert_int_eq(d[1].storage_commitment, CONF_COMMITMENT_OFF);
	ck_assert_uint_eq(d[1].permanent_statuses.count, 1);
	ck_assert_str_eq(d[1].permanent_statuses.item[0], "Cxxx");
	ck_assert_ptr_null(conf.dicom_destinations.item[1].name); /* as written */
}
END_TEST

START_TEST(test_allow)
{
	static const char text[] = "dicom_listener:\n"
				   "  allow:\n"
				   "  - ae_title: CT1\n"
				   "  - {address: 10.1.0.0/16, ae_title: ~}\n"
				   "  - {ae_title: '  CT 2 ', address: '::1/128'}\n"
				   "  port: 4242\n";
	const struct conf_allow *a;

	ck_assert_msg(parse(bytes_str(text)) == OK && diags.count == 0, "%s", said());
	ck_assert_int_eq(conf.dicom_listener.port, 4242);
	ck_assert_uint_eq(conf.dicom_listener.allow.count, 3);
	a = conf.dicom_listener.allow.item;
	ck_assert_str_eq(a[0].ae_title, "CT1");
	ck_assert_ptr_null(a[0].address);
	ck_assert_ptr_null(a[1].ae_title);
	ck_assert_str_eq(a[1].address, "10.1.0.0/16");
	ck_assert_str_eq(a[2].ae_title, "CT 2");
	ck_assert_str_eq(a[2].address, "::1/128");
}
END_TEST

START_TEST(test_pairs)
{
	static const char text[] = "anonymization:\n"
				   "  profile: research\n"
				   "  replace:\n"
				   "    PatientSex: O\n"
				   "    RequestAttributesSequence > 0008,0050: ' a b '\n"
				   "    '60xx,3000': \"\"\n"
				   "  keep: [A,\n"
				   "         B]\n"
				   "  pixel_regions: [{model: M, width: 3, height: 4, top: 5}]\n";
	const struct conf_anonymization *z = &conf.anonymization;

	ck_assert_msg(parse(bytes_str(text)) == OK && diags.count == 0, "%s", said());
	ck_assert_uint_eq(z->replace.count, 3);
	ck_assert_str_eq(z->replace.item[0].key, "PatientSex");
	ck_assert_str_eq(z->replace.item[0].value, "O");
	ck_assert_uint_eq(z->replace.item[0].at.line, 4);
	ck_assert_uint_eq(z->replace.item[0].at.column, 5);
	ck_assert_str_eq(z->replace.item[1].key, "RequestAttributesSequence > 0008,0050");
	ck_assert_str_eq(z->replace.item[1].value, " a b ");
	ck_assert_str_eq(z->replace.item[2].value, "");
	ck_assert_uint_eq(z->keep.count, 2);
	ck_assert_uint_eq(z->keep.at[1].line, 8);
	ck_assert_uint_eq(z->keep.at[1].column, 10);
	ck_assert_uint_eq(z->pixel_regions.count, 1);
	ck_assert_ptr_null(z->pixel_regions.item[0].sop_class);
	ck_assert_str_eq(z->pixel_regions.item[0].model, "M");
	ck_assert_int_eq(z->pixel_regions.item[0].top, 5);
	ck_assert_int_eq(z->pixel_regions.item[0].height, 4);
	ck_assert_int_eq(z->pixel_regions.item[0].rows, 0);
}
END_TEST

/* LIMIT_CONFIG_ITEMS -1, 0, +1 keys of a section that takes any. */
START_TEST(test_pairs_limit)
{
	for (int step = -1; step <= 1; step++) {
		struct buf b = BUF_INIT(1u << 20);
		int most = (int)LIMIT_CONFIG_ITEMS + step;

		buf_str(&b, "anonymization:\n  replace:\n");
		for (int i = 0; i < most + (step > 0 ? 9 : 0); i++)
			buf_fmt(&b, "    A%d: x\n", i);
		enum err e = parse(buf_bytes(&b));
		ck_assert_str_eq(said(), step <= 0 ? ""
						   : "4099:5: anonymization.replace: more than "
						     "4096 items\n");
		ck_assert_int_eq(e, step <= 0 ? OK : ERR_WIRE);
		buf_free(&b);
	}
}
END_TEST

/* LIMIT_CONFIG_DESTINATIONS -1, 0, +1; LIMIT_CONFIG_ITEMS -1, 0, +1. */
START_TEST(test_limits)
{
	for (int step = -1; step <= 1; step++) {
		struct buf b = BUF_INIT(1u << 20);
		int most = (int)LIMIT_CONFIG_DESTINATIONS + step;

		buf_str(&b, "dicom_destinations:\n");
		for (int i = 0; i < most; i++)
			buf_fmt(&b, "- {name: d%d, ip: a, port: %d, ae_title: B}\n", i, i + 1);
		enum err e = parse(buf_bytes(&b));
		ck_assert_str_eq(said(), step <= 0 ? ""
						   : "2:1: dicom_destinations: more than 64 "
						     "destinations\n");
		ck_assert_int_eq(e, step <= 0 ? OK : ERR_WIRE);
		if (step <= 0)
			ck_assert_uint_eq(conf.destinations.count, (size_t)most);

		buf_free(&b);
		most = (int)LIMIT_CONFIG_ITEMS + step;
		buf_str(&b, "dicom_listener:\n  allow:\n");
		for (int i = 0; i < most; i++)
			buf_fmt(&b, "  - {ae_title: A%d}\n", i);
		e = parse(buf_bytes(&b));
		ck_assert_str_eq(said(), step <= 0 ? ""
						   : "4099:5: dicom_listener.allow: more than 4096 "
						     "items\n");
		ck_assert_int_eq(e, step <= 0 ? OK : ERR_WIRE);
		if (step <= 0)
			ck_assert_str_eq(conf.dicom_listener.allow.item[most - 1].ae_title,
					 step == 0 ? "A4095" : "A4094");
		buf_free(&b);
	}
}
END_TEST

/* LIMIT_CONFIG_ARENA holds the longest lists of sections that fit in a file, in which the shortest
 * values cost most. */
START_TEST(test_arena_is_enough)
{
	struct buf b = BUF_INIT(LIMIT_CONFIG);

	buf_str(&b, "dicom_destinations: [");
	for (unsigned i = 0; i < LIMIT_CONFIG_ITEMS; i++)
		buf_str(&b, "{ip: a,ae_title: b,name: c,port: 1,max_associations: 1,"
			    "storage_commitment: off,permanent_statuses: [A900,A900,A900,A900,A900,"
			    "A900,A900,A900,A900,A900,A900,A900,A900,A900,A900,A900,A900,A900,"
			    "A900,A900,A900,A900,A900]},");
	buf_str(&b, "]\n");
	ck_assert(!b.failed);
	ck_assert_int_eq(parse(buf_bytes(&b)), ERR_WIRE);
	ck_assert_str_eq(said(), "1:21: dicom_destinations: more than 64 destinations\n");
	ck_assert_uint_lt(arena.used, LIMIT_CONFIG_ARENA * 3 / 4);
	buf_free(&b);
}
END_TEST

/* Whatever the arena holds, the end is OK or ERR_NOMEM, and every size above it works too. */
START_TEST(test_memory)
{
	static const char text[] = "dicom_listener: {allow: [{ae_title: A}]}\n"
				   "dicom_destinations: [{ip: a, ae_title: B, permanent_statuses: "
				   "[A900]}, {ip: b, ae_title: C}]\n"
				   "anonymization: {replace: {A: b}, keep: [C]}\n";
	bool worked = false;

	for (size_t cap = 0; cap < 16384; cap += 16) {
		struct arena small;
		struct conf_diags d = {.count = 0};
		struct conf c;

		ck_assert_int_eq(arena_open(&small, cap + 1, NULL), OK);
		enum err e = conf_parse(&c, bytes_str(text), "f", &small, &d);
		ck_assert(e == OK || e == ERR_NOMEM);
		ck_assert(!worked || e == OK);
		worked |= e == OK;
		arena_close(&small);
	}
	ck_assert(worked);
}
END_TEST

/* ---- what a new one changes ------------------------------------------------------------------ */

static const struct {
	const char *before, *after;
	const char *keys; /* "+" behind one that needs a restart */
} changes[] = {
	{"", "", ""},
	{"x: 1\n", "y: 2\n", ""},
	{"watcher: {debounce_interval_seconds: 5}\n", "", ""}, /* its default */
	{"", "dicom_listener: {port: 4242, host: '::', ae_title: A}\n",
	 "dicom_listener.host+ dicom_listener.port+ dicom_listener.ae_title "},
	{"directories: {working: /a}\n", "directories: {working: /b, logs: /c}\n",
	 "directories.working+ directories.logs "},
	{"durability: file\nlogging: {level: DEBUG}\n", "drain_seconds: 1\n",
	 "logging.level durability drain_seconds "},
	{"processing: {uid_key: 'aaaaaaaaaaaaaaaa'}\n", "processing: {uid_key: ~}\n",
	 "processing.uid_key "},
	{"processing: {ignore_contour_names_containing: [a, b]}\n",
	 "processing: {ignore_contour_names_containing: [a, c]}\n",
	 "processing.ignore_contour_names_containing "},
	{"dicom_destinations: [{ip: a, ae_title: B}]\n",
	 "dicom_destinations: [{ip: a, ae_title: B, port: 104}]\n", ""},
	{"dicom_destinations: [{ip: a, ae_title: B}]\n",
	 "dicom_destinations: [{ip: a, ae_title: B, permanent_statuses: [A900]}]\n",
	 "dicom_destinations "},
	{"dicom_destinations: [{ip: a, ae_title: B}]\n", "", "dicom_destinations "},
	{"dicom_listener: {allow: [{ae_title: A}]}\n",
	 "dicom_listener: {allow: [{ae_title: A, address: '::1'}]}\n", "dicom_listener.allow "},
	{"anonymization: {replace: {A: b}}\n", "anonymization:\n  replace:\n    A: b\n", ""},
	{"anonymization: {replace: {A: b}}\n", "anonymization: {replace: {A: c}}\n",
	 "anonymization.replace "},
	{"anonymization: {replace: {A: b}}\n", "anonymization: {keep: [A]}\n",
	 "anonymization.keep anonymization.replace "},
};

START_TEST(test_difference)
{
	struct conf_change change[LIMIT_CONFIG_KEYS];
	struct buf b = BUF_INIT(4096);
	struct conf before;

	ck_assert_int_eq(parse(bytes_str(changes[_i].before)), OK);
	before = conf;
	ck_assert_int_eq(parse(bytes_str(changes[_i].after)), OK);
	buf_str(&b, "");
	size_t count = conf_difference(&before, &conf, change);
	for (size_t i = 0; i < count; i++)
		buf_fmt(&b, "%s%s ", change[i].key, change[i].needs_restart ? "+" : "");
	ck_assert_str_eq((const char *)b.at, changes[_i].keys);
	ck_assert_uint_eq(conf_difference(&conf, &before, change), count);
	buf_free(&b);
}
END_TEST

START_TEST(test_notes)
{
	ck_assert_int_eq(parse(BYTES_LIT("durability: none\n")), OK);
	ck_assert_int_eq(conf_notes(&conf, &arena, &diags), OK);
	ck_assert_str_eq(said(),
			 " dicom_listener.allow: warning: is empty: whoever reaches the port may "
			 "send\n"
			 "1:13: durability: warning: is none: a power failure may lose objects "
			 "that senders were told are stored\n");
	ck_assert_int_eq(
		parse(BYTES_LIT("dicom_listener: {allow: [{ae_title: A}]}\ndurability: file\n")),
		OK);
	ck_assert_int_eq(conf_notes(&conf, &arena, &diags), OK);
	ck_assert_str_eq(said(), "2:13: durability: warning: is file: after a power failure an "
				 "object may be there without its name\n");
	ck_assert_int_eq(parse(BYTES_LIT("dicom_listener: {allow: [{ae_title: A}]}\n")), OK);
	ck_assert_int_eq(conf_notes(&conf, &arena, &diags), OK);
	ck_assert_uint_eq(diags.count, 0);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *suite_conf_maps(void)
{
	Suite *s = suite_create("conf_maps");
	TCase *t = tcase_create("maps");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, test_said, 0, ROWS(rows));
	tcase_add_test(t, test_destinations);
	tcase_add_test(t, test_allow);
	tcase_add_test(t, test_pairs);
	tcase_add_test(t, test_pairs_limit);
	tcase_add_test(t, test_limits);
	tcase_add_test(t, test_arena_is_enough);
	tcase_add_test(t, test_memory);
	tcase_add_loop_test(t, test_difference, 0, ROWS(changes));
	tcase_add_test(t, test_notes);
	suite_add_tcase(s, t);
	return s;
}
