/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/registries-d.h"
#include "registry/policy.h"
#include "test.h"

/* policy.json, registries.d, and the names in them. Expectations are those of containers-policy.json(5), containers-registries.d(5)
 * and of skopeo 1.9, which decides so; test_trust.py compares with it. */

static char *json(const char *text)
{
        GString *result = g_string_new(text);
        g_string_replace(result, "'", "\"", 0);
        return g_string_free(result, FALSE);
}

/* ---- names ---- */

static const struct {
        const char *text, *expected; /* NULL: is refused */
} names[] = {
        {"busybox", "docker.io/library/busybox"},
        {"busybox:1", "docker.io/library/busybox:1"},
        {"busybox:latest", "docker.io/library/busybox:latest"},
        {"docker.io/busybox", "docker.io/library/busybox"},
        {"index.docker.io/a/b:2", "docker.io/a/b:2"},
        {"localhost:5000/a", "localhost:5000/a"},
        {"example.com/a/b@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "example.com/a/b@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"http:example.com/a", NULL},
        {"docker://example.com/a", NULL},
        {"oci:example.com/a", NULL},
        {"docker-archive:example.com/a", NULL},
        {"", NULL},
        {"UPPER", NULL},
        {"a b", NULL},
        {"example.com/a:", NULL},
};

START_TEST(expands_names)
{
        g_autoptr(ScDockerName) name = sc_docker_name_parse(names[_i].text, NULL);
        g_autofree char *text = name != NULL ? sc_docker_name_to_string(name) : NULL;
        ck_assert_pstr_eq(text, names[_i].expected);
}
END_TEST

START_TEST(goes_from_the_most_specific_scope_to_the_least)
{
        g_autoptr(ScReference) reference = sc_reference_parse("a.b.example.com:5000/x/y/z:1", NULL);
        g_autoptr(ScDockerName) name = sc_docker_name_of(reference);
        g_auto(GStrv) scopes = sc_docker_name_policy_scopes(name);
        g_autofree char *text = g_strjoinv(" ", scopes);
        ck_assert_str_eq(text, "a.b.example.com:5000/x/y/z:1 a.b.example.com:5000/x/y/z a.b.example.com:5000/x/y "
                               "a.b.example.com:5000/x a.b.example.com:5000 *.b.example.com *.example.com *.com");
        g_auto(GStrv) plain = sc_docker_name_scopes(name);
        ck_assert_uint_eq(g_strv_length(plain), 5);
}
END_TEST

START_TEST(forgets_a_tag_beside_a_digest)
{
        g_autoptr(ScReference) reference = sc_reference_parse(
                "example.com/a:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL);
        g_autoptr(ScDockerName) name = sc_docker_name_of(reference);
        ck_assert_ptr_null(name->tag);
        ck_assert_ptr_nonnull(name->digest);
}
END_TEST

/* ---- identities ---- */

#define DIGEST "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER_DIGEST "@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DEFAULT NULL
#define EXACT "{'type':'matchExact'}"
#define REPO_DIGEST "{'type':'matchRepoDigestOrExact'}"
#define REPOSITORY "{'type':'matchRepository'}"
#define EXACT_REFERENCE "{'type':'exactReference','dockerReference':'example.com/a:1'}"
#define EXACT_REPOSITORY "{'type':'exactRepository','dockerRepository':'example.com/a'}"
#define REMAP "{'type':'remapIdentity','prefix':'mirror.local:5000','signedPrefix':'example.com/vendor'}"

static const struct {
        const char *identity, *pulled, *is_signed;
        bool expected;
} identities[] = {
        {DEFAULT, "example.com/a:1", "example.com/a:1", true},
        {DEFAULT, "example.com/a:1", "example.com/a:2", false}, /* a replayed tag */
        {DEFAULT, "example.com/a:1", "example.com/b:1", false},
        {DEFAULT, "example.com/a:1", "example.com/a", false},
        {DEFAULT, "example.com/a:1", "example.com/a" DIGEST, false},
        {DEFAULT, "example.com/a:1", "", false},
        {DEFAULT, "example.com/a:1", "http:example.com/a:1", false},
        {DEFAULT, "example.com/a", "example.com/a:latest", true}, /* who pulls by no tag pulls latest */
        {DEFAULT, "example.com/a", "example.com/a", false},
        {DEFAULT, "example.com/a" DIGEST, "example.com/a:1", true},
        {DEFAULT, "example.com/a" DIGEST, "example.com/a" OTHER_DIGEST, true}, /* which digest it is says the payload */
        {DEFAULT, "example.com/a" DIGEST, "example.com/a", false},
        {DEFAULT, "example.com/a" DIGEST, "example.com/b:1", false},
        {DEFAULT, "docker.io/busybox:1", "busybox:1", true},
        {DEFAULT, "docker.io/library/busybox:1", "docker.io/busybox:1", true},
        {REPO_DIGEST, "example.com/a:1", "example.com/a:1", true},
        {REPO_DIGEST, "example.com/a:1", "example.com/a:2", false},
        {EXACT, "example.com/a:1", "example.com/a:1", true},
        {EXACT, "example.com/a:1", "example.com/a", false},
        {EXACT, "example.com/a" DIGEST, "example.com/a:1", false},
        {EXACT, "example.com/a" DIGEST, "example.com/a" DIGEST, true},
        {EXACT, "example.com/a" DIGEST, "example.com/a" OTHER_DIGEST, false},
        {REPOSITORY, "example.com/a:1", "example.com/a:2", true},
        {REPOSITORY, "example.com/a:1", "example.com/a", true},
        {REPOSITORY, "example.com/a:1", "example.com/a/b:1", false},
        {EXACT_REFERENCE, "mirror.local:5000/a:3", "example.com/a:1", true},
        {EXACT_REFERENCE, "mirror.local:5000/a:3", "example.com/a:3", false},
        {EXACT_REFERENCE, "mirror.local:5000/a:3", "mirror.local:5000/a:3", false},
        {EXACT_REPOSITORY, "mirror.local:5000/a:3", "example.com/a:9", true},
        {EXACT_REPOSITORY, "mirror.local:5000/a:3", "example.com/b:9", false},
        {REMAP, "mirror.local:5000/a:1", "example.com/vendor/a:1", true},
        {REMAP, "mirror.local:5000/a:1", "example.com/vendor/a:2", false},
        {REMAP, "mirror.local:5000/a:1", "mirror.local:5000/a:1", false},
        {REMAP, "mirror.local:50001/a:1", "example.com/vendor1/a:1", false},
        {REMAP, "mirror.local:50001/a:1", "mirror.local:50001/a:1", true}, /* not below the prefix: as it is */
        {REMAP, "mirror.local:5000/a" DIGEST, "example.com/vendor/a:7", true},
};

START_TEST(matches_identities)
{
        g_autofree char *text = identities[_i].identity != NULL ? json(identities[_i].identity) : NULL;
        g_autoptr(JsonObject) object = text != NULL ? sc_json_parse_strictly(text, -1, 4096, "identity", NULL) : NULL;
        g_autoptr(GError) error = NULL;
        ScSignedIdentity identity = {0};
        bool ok = sc_signed_identity_parse(object, &identity, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        g_autoptr(ScReference) reference = sc_reference_parse(identities[_i].pulled, &error);
        ck_assert_no_error(error);
        g_autoptr(ScDockerName) pulled = sc_docker_name_of(reference);
        ck_assert_int_eq(sc_signed_identity_matches(&identity, pulled, identities[_i].is_signed), identities[_i].expected);
        /* what has no name can only be signed by one that the policy says */
        bool named = identity.kind == SC_IDENTITY_EXACT_REFERENCE || identity.kind == SC_IDENTITY_EXACT_REPOSITORY;
        ck_assert_int_eq(sc_signed_identity_matches(&identity, NULL, identities[_i].is_signed), named && identities[_i].expected);
        sc_signed_identity_clear(&identity);
}
END_TEST

/* ---- policies ---- */

#define ACCEPT "[{'type':'insecureAcceptAnything'}]"
#define REJECT "[{'type':'reject'}]"
#define WITH(requirement) "{'default':[" requirement "]}"
#define SIGNED(more) WITH("{'type':'signedBy','keyType':'GPGKeys'" more "}")
#define SIGSTORE(more) WITH("{'type':'sigstoreSigned'" more "}")
#define IDENTITY(text) SIGNED(",'keyPath':'/k','signedIdentity':" text)

static const char *const good[] = {
        "{'default':" ACCEPT "}",
        "{'default':" REJECT ",'transports':{}}",
        "{'default':" REJECT ",'transports':{'docker':{}}}",
        "{'default':" REJECT ",'transports':{'docker':{'':" ACCEPT ",'a/b':" ACCEPT ",'*.example.com':" REJECT "}}}",
        "{'default':" REJECT ",'transports':{'never-heard-of':{'any thing':" ACCEPT "}}}",
        "{'default':" REJECT ",'transports':{'docker-archive':{'':" ACCEPT "},'oci':{'/a/b:tag':" ACCEPT "},'dir':{'/a':" ACCEPT
        "}}}",
        "{'default':[{'type':'insecureAcceptAnything'},{'type':'reject'}]}",
        SIGNED(",'keyPath':'/etc/key.gpg'"),
        SIGNED(",'keyPaths':['/a','/b']"),
        SIGNED(",'keyData':'aGVsbG8='"),
        SIGSTORE(",'keyPath':'/etc/key.pub'"),
        SIGSTORE(",'keyPaths':['/a','/b'],'signedIdentity':{'type':'matchRepository'}"),
        SIGSTORE(",'keyData':'aGVsbG8='"),
        SIGSTORE(",'keyDatas':['aGVsbG8=','aGVsbG8=']"),
        IDENTITY("{'type':'matchExact'}"),
        IDENTITY("{'type':'exactReference','dockerReference':'busybox:1'}"),
        IDENTITY("{'type':'exactRepository','dockerRepository':'busybox'}"),
        IDENTITY("{'type':'remapIdentity','prefix':'example.com','signedPrefix':'localhost'}"),
        IDENTITY("{'type':'remapIdentity','prefix':'localhost:5000/a','signedPrefix':'example.com/b/c'}"),
};

START_TEST(reads_what_is_right)
{
        g_autofree char *text = json(good[_i]);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScPolicy) policy = sc_policy_parse(text, -1, "policy", &error);
        ck_assert_no_error(error);
        ck_assert_ptr_nonnull(policy);
}
END_TEST

static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{'transports':{}}",
        "{'default':null}",
        "{'default':[]}",
        "{'default':{}}",
        "{'default':'reject'}",
        "{'default':" ACCEPT ",'default':" REJECT "}",
        "{'default':" ACCEPT ",'more':1}",
        "{'default':" ACCEPT ",'transports':[]}",
        "{'default':" ACCEPT ",'transports':{'docker':[]}}",
        "{'default':" ACCEPT ",'transports':{'docker':{},'docker':{}}}",
        "{'default':" ACCEPT ",'transports':{'docker':{'a':" ACCEPT ",'a':" REJECT "}}}",
        "{'default':" ACCEPT ",'transports':{'docker':{'a':[]}}}",
        "{'default':" ACCEPT ",'transports':{'docker':{'a':{}}}}",
        "{'default':" ACCEPT ",'transports':{'docker-archive':{'a':" ACCEPT "}}}",
        "{'default':" ACCEPT ",'transports':{'dir':{'a':" ACCEPT "}}}",
        "{'default':" ACCEPT ",'transports':{'dir':{'/':" ACCEPT "}}}",
        "{'default':" ACCEPT ",'transports':{'oci':{'/a/../b:c':" ACCEPT "}}}",
        WITH("1"),
        WITH("{}"),
        WITH("{'type':1}"),
        WITH("{'type':'accept'}"),
        WITH("{'type':'reject','type':'insecureAcceptAnything'}"),
        WITH("{'type':'reject','more':1}"),
        WITH("{'type':'insecureAcceptAnything','keyPath':'/a'}"),
        WITH("{'type':'signedBy','keyPath':'/a'}"),
        WITH("{'type':'signedBy','keyType':'other','keyPath':'/a'}"),
        SIGNED(""),
        SIGNED(",'keyPath':'/a','keyData':'aGVsbG8='"),
        SIGNED(",'keyPath':'/a','keyPaths':['/a']"),
        SIGNED(",'keyPath':'relative'"),
        SIGNED(",'keyPath':''"),
        SIGNED(",'keyPaths':[]"),
        SIGNED(",'keyPaths':[1]"),
        SIGNED(",'keyData':'no base64'"),
        SIGNED(",'keyData':''"),
        SIGNED(",'keyDatas':['aGVsbG8=']"),
        SIGNED(",'keyPath':'/a','more':1"),
        SIGSTORE(""),
        SIGSTORE(",'keyType':'GPGKeys','keyPath':'/a'"),
        SIGSTORE(",'keyPath':'/a','keyData':'aGVsbG8='"),
        SIGSTORE(",'keyPath':'/a','more':1"),
        IDENTITY("'matchExact'"),
        IDENTITY("{}"),
        IDENTITY("{'type':'other'}"),
        IDENTITY("{'type':'matchExact','more':1}"),
        IDENTITY("{'type':'exactReference'}"),
        IDENTITY("{'type':'exactReference','dockerReference':'busybox'}"),
        IDENTITY("{'type':'exactReference','dockerReference':'UPPER:1'}"),
        IDENTITY("{'type':'exactRepository','dockerReference':'busybox:1'}"),
        IDENTITY("{'type':'exactRepository','dockerRepository':''}"),
        IDENTITY("{'type':'remapIdentity','prefix':'example.com'}"),
        IDENTITY("{'type':'remapIdentity','prefix':'example.com','signedPrefix':''}"),
        IDENTITY("{'type':'remapIdentity','prefix':'example.com/a:1','signedPrefix':'b'}"),
        IDENTITY("{'type':'remapIdentity','prefix':'example.com/','signedPrefix':'b'}"),
        "{'default':" ACCEPT "} {'default':" ACCEPT "}",
        "{'default':" ACCEPT "} // accept",
};

START_TEST(refuses_what_is_not)
{
        g_autofree char *text = json(bad[_i]);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScPolicy) policy = sc_policy_parse(text, -1, "policy", &error);
        ck_assert_msg(policy == NULL, "%s was accepted", bad[_i]);
        ck_assert_error(error, SC_ERROR_CORRUPT, "policy");
}
END_TEST

/* What others check, and we cannot, must not be passed over. */
static const struct {
        const char *text, *what;
} unsupported[] = {
        {SIGSTORE(",'fulcio':{'caPath':'/a','oidcIssuer':'b','subjectEmail':'c'},'rekorPublicKeyPath':'/b'"), "fulcio"},
        {SIGSTORE(",'keyPath':'/a','rekorPublicKeyPath':'/b'"), "rekorPublicKeyPath"},
        {SIGSTORE(",'keyPath':'/a','rekorPublicKeyDatas':['aGVsbG8=']"), "rekorPublicKeyDatas"},
        {SIGSTORE(",'pki':{}"), "pki"},
        {WITH("{'type':'signedBy','keyType':'X509Certificates','keyPath':'/a'}"), "keyType"},
        {WITH("{'type':'signedBaseLayer','baseLayerIdentity':{'type':'matchExact'}}"), "signedBaseLayer"},
};

START_TEST(keeps_what_it_cannot_check_as_such)
{
        g_autofree char *text = json(unsupported[_i].text);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScPolicy) policy = sc_policy_parse(text, -1, "policy", &error);
        ck_assert_no_error(error);
        const ScPolicyRule *rule = sc_policy_find(policy, "docker", NULL);
        const ScRequirement *requirement = rule->requirements->pdata[0];
        ck_assert_int_eq(requirement->kind, SC_REQUIREMENT_UNSUPPORTED);
        ck_assert_str_eq(requirement->unsupported, unsupported[_i].what);
}
END_TEST

static const char rules[] = "{'default':" REJECT ",'transports':{"
                            "'docker':{'':" ACCEPT ",'example.com':" ACCEPT ",'example.com/a':" ACCEPT ",'example.com/a/b':" ACCEPT
                            ",'example.com/a/b:1':" ACCEPT ",'example.com/a/c" DIGEST "':" ACCEPT ",'*.example.com':" ACCEPT
                            ",'docker.io/library/busybox':" ACCEPT ",'reg.example.net:5000':" ACCEPT "},"
                            "'docker-archive':{'':" ACCEPT "},'oci':{'/srv':" ACCEPT "}}}";

static const struct {
        const char *transport, *image, *rule;
} finds[] = {
        {"docker", "example.com/a/b:1", "the rule for docker, example.com/a/b:1"},
        {"docker", "example.com/a/b:2", "the rule for docker, example.com/a/b"},
        {"docker", "example.com/a/b" DIGEST, "the rule for docker, example.com/a/b"},
        {"docker", "example.com/a/b:1" DIGEST, "the rule for docker, example.com/a/b"},
        {"docker", "example.com/a/bb:1", "the rule for docker, example.com/a"},
        {"docker", "example.com/a/c" DIGEST, "the rule for docker, example.com/a/c" DIGEST},
        {"docker", "example.com/z", "the rule for docker, example.com"},
        {"docker", "example.com:5000/z", "the rule for docker"}, /* a port is part of the host */
        {"docker", "r.example.com/z", "the rule for docker, *.example.com"},
        {"docker", "r.example.com:5000/z", "the rule for docker, *.example.com"},
        {"docker", "q.r.example.com/z", "the rule for docker, *.example.com"},
        {"docker", "notexample.com/z", "the rule for docker"},
        {"docker", "docker.io/busybox", "the rule for docker, docker.io/library/busybox"},
        {"docker", "docker.io/other/busybox", "the rule for docker"},
        {"docker", "reg.example.net:5000/x/y", "the rule for docker, reg.example.net:5000"},
        {"docker", "reg.example.net/x/y", "the rule for docker"},
        {"docker-archive", NULL, "the rule for docker-archive"},
        {"oci", NULL, "the default rule"},
        {"oci-archive", NULL, "the default rule"},
        {"", NULL, "the default rule"},
};

START_TEST(finds_the_most_specific_rule)
{
        g_autofree char *text = json(rules);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScPolicy) policy = sc_policy_parse(text, -1, "policy", &error);
        ck_assert_no_error(error);
        g_autoptr(ScReference) reference = finds[_i].image != NULL ? sc_reference_parse(finds[_i].image, &error) : NULL;
        ck_assert_no_error(error);
        g_autoptr(ScDockerName) name = reference != NULL ? sc_docker_name_of(reference) : NULL;
        g_auto(GStrv) scopes = name != NULL ? sc_docker_name_policy_scopes(name) : NULL;
        g_autofree char *rule = sc_policy_rule_name(sc_policy_find(policy, finds[_i].transport, (const char *const *)scopes));
        ck_assert_str_eq(rule, finds[_i].rule);
}
END_TEST

/* ---- registries.d ---- */

static const char places[] = "default-docker:\n"
                             "  sigstore-staging: file:///srv/staging\n"
                             "  lookaside: https://default.example/\n"
                             "docker:\n"
                             "  example.com:\n"
                             "    lookaside: https://a.example\n"
                             "    sigstore: https://old.example\n"
                             "    use-sigstore-attachments: true\n"
                             "  example.com/old: {sigstore: 'https://old.example', use-sigstore-attachments: no}\n"
                             "  example.com/old/none:\n"
                             "  example.com/x:1:\n"
                             "    lookaside: file:///srv/x\n"
                             "    later-key: [1, 2]\n";

static const struct {
        const char *image, *lookaside;
        bool attachments;
} lookasides[] = {
        {"example.com/y:1", "https://a.example", true},
        {"example.com/old:1", "https://old.example", false},
        {"example.com/old/none:1", "https://old.example", false}, /* an empty section says nothing, the next one does */
        {"example.com/x:1", "file:///srv/x", true},
        {"example.com/x:2", "https://a.example", true},
        {"other.com/x", "https://default.example/", false},
        {"sub.example.com/x", "https://default.example/", false},
};

START_TEST(finds_where_signatures_lie)
{
        g_autoptr(ScRegistriesD) registries = sc_registries_d_new();
        g_autoptr(GError) error = NULL;
        ck_assert(sc_registries_d_add(registries, places, strlen(places), "places.yaml", &error));
        ck_assert_no_error(error);
        g_autoptr(ScDockerName) name = sc_docker_name_parse(lookasides[_i].image, NULL);
        g_auto(GStrv) scopes = sc_docker_name_scopes(name);
        ck_assert_pstr_eq(sc_registries_d_lookaside(registries, (const char *const *)scopes), lookasides[_i].lookaside);
        ck_assert_int_eq(sc_registries_d_uses_attachments(registries, (const char *const *)scopes), lookasides[_i].attachments);
}
END_TEST

static const char *const bad_places[] = {
        "a: b: c",
        "- a",
        "text",
        "docker: 1",
        "docker: [a]",
        "docker: {a: 1}",
        "docker: {a: {lookaside: [1]}}",
        "docker: {a: {use-sigstore-attachments: 7}}",
        "docker: {a: {lookaside: b}, a: {lookaside: c}}",
        "docker: {[a]: {lookaside: b}}",
        "docker: {example.com: {lookaside: b}}", /* in another file, too */
        "default-docker: {lookaside: b}",
        "docker: {a: {lookaside: *unknown}}",
};

START_TEST(refuses_bad_places)
{
        g_autoptr(ScRegistriesD) registries = sc_registries_d_new();
        g_autoptr(GError) error = NULL;
        ck_assert(sc_registries_d_add(registries, places, strlen(places), "places.yaml", NULL));
        ck_assert(!sc_registries_d_add(registries, bad_places[_i], strlen(bad_places[_i]), "bad.yaml", &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "bad.yaml");
}
END_TEST

static void write_place(const char *folder, const char *name, const char *text)
{
        g_autofree char *path = g_build_filename(folder, name, NULL);
        ck_assert(g_file_set_contents(path, text, -1, NULL));
}

/* For who wants to change it: what more there is in a file is somebody's own. */
START_TEST(finds_which_file_says_it)
{
        char *folder = test_folder_new();
        write_place(folder, "alone.yaml", "docker:\n  a.com/x:\n    sigstore: https://a\n");
        write_place(folder, "attached.yaml", "docker: {b.com: {lookaside: https://b, use-sigstore-attachments: true}}");
        write_place(folder, "two.yaml", "docker: {c.com: {lookaside: https://c}, d.com: {lookaside: https://d}}");
        write_place(folder, "fallback.yaml", "default-docker: {lookaside: https://e}\ndocker: {e.com: {}}");
        write_place(folder, "no-yaml.txt", "docker: {f.com: {}}");
        static const struct {
                const char *scope, *file;
                bool alone;
        } cases[] = {{"a.com/x", "alone.yaml", true},   {"a.com", NULL, false},
                     {"b.com", "attached.yaml", false}, {"d.com", "two.yaml", false},
                     {"e.com", "fallback.yaml", false}, {"f.com", NULL, false}};
        g_autoptr(GError) error = NULL;
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *file = NULL;
                bool alone = false;
                ck_assert(sc_registries_d_find(folder, cases[i].scope, &file, &alone, &error));
                ck_assert_pstr_eq(file, cases[i].file);
                ck_assert_int_eq(alone, cases[i].alone);
        }
        g_autoptr(ScRegistriesD) registries = sc_registries_d_load(folder, &error);
        ck_assert_no_error(error);
        g_autoptr(GHashTable) all = sc_registries_d_lookasides(registries);
        ck_assert_uint_eq(g_hash_table_size(all), 5);
        ck_assert_str_eq(g_hash_table_lookup(all, "a.com/x"), "https://a");
        ck_assert_str_eq(g_hash_table_lookup(all, ""), "https://e");
        write_place(folder, "wrong.yaml", "docker: 7");
        g_autofree char *file = NULL;
        bool alone;
        ck_assert(!sc_registries_d_find(folder, "z.com", &file, &alone, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "wrong.yaml");
        test_folder_remove(folder);
}
END_TEST

START_TEST(says_nothing_where_nothing_is)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(ScRegistriesD) registries = sc_registries_d_load("/nonexistent/registries.d", &error);
        ck_assert_no_error(error);
        ck_assert(sc_registries_d_add(registries, "", 0, "empty.yaml", &error));
        const char *const scopes[] = {"example.com/a", "example.com", NULL};
        ck_assert_ptr_null(sc_registries_d_lookaside(registries, scopes));
        ck_assert(!sc_registries_d_uses_attachments(registries, scopes));
        g_autoptr(GHashTable) all = sc_registries_d_lookasides(registries);
        ck_assert_uint_eq(g_hash_table_size(all), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("policy");
        TCase *cases = tcase_create("names");
        tcase_add_loop_test(cases, expands_names, 0, G_N_ELEMENTS(names));
        tcase_add_test(cases, goes_from_the_most_specific_scope_to_the_least);
        tcase_add_test(cases, forgets_a_tag_beside_a_digest);
        tcase_add_loop_test(cases, matches_identities, 0, G_N_ELEMENTS(identities));
        suite_add_tcase(suite, cases);
        cases = tcase_create("policies");
        tcase_add_loop_test(cases, reads_what_is_right, 0, G_N_ELEMENTS(good));
        tcase_add_loop_test(cases, refuses_what_is_not, 0, G_N_ELEMENTS(bad));
        tcase_add_loop_test(cases, keeps_what_it_cannot_check_as_such, 0, G_N_ELEMENTS(unsupported));
        tcase_add_loop_test(cases, finds_the_most_specific_rule, 0, G_N_ELEMENTS(finds));
        suite_add_tcase(suite, cases);
        cases = tcase_create("places");
        tcase_add_loop_test(cases, finds_where_signatures_lie, 0, G_N_ELEMENTS(lookasides));
        tcase_add_loop_test(cases, refuses_bad_places, 0, G_N_ELEMENTS(bad_places));
        tcase_add_test(cases, finds_which_file_says_it);
        tcase_add_test(cases, says_nothing_where_nothing_is);
        suite_add_tcase(suite, cases);
        return test_run(suite);
}
