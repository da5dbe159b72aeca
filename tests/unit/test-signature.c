/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry/attachment.h"
#include "registry/signature-gpg.h"
#include "registry/signature-sigstore.h"
#include "registry/signature.h"
#include "registry/trust.h"
#include "test.h"

/* Signatures made by gpg and openssl, and what is signed. */

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define PAYLOAD(type, digest, name, optional)                                              \
        "{'critical':{'type':'" type "','image':{'docker-manifest-digest':'sha256:" digest \
        "'},'identity':{'docker-reference':'" name "'}},'optional':" optional "}"
#define GPG_TYPE "atomic container signature"
#define SIGSTORE_TYPE "cosign container image signature"
#define GOOD PAYLOAD(GPG_TYPE, HEX_A, "example.com/a:1", "{'creator':'test','timestamp':1700000000}")

static GBytes *json(const char *text)
{
        GString *result = g_string_new(text);
        g_string_replace(result, "'", "\"", 0);
        gsize size = result->len;
        return g_bytes_new_take(g_string_free(result, FALSE), size);
}

/* ---- what is signed ---- */

static const struct {
        ScSignatureKind kind;
        const char *text;
} good[] = {
        {SC_SIGNATURE_GPG, GOOD},
        {SC_SIGNATURE_GPG, PAYLOAD(GPG_TYPE, HEX_A, "example.com/a:1", "{}")},
        {SC_SIGNATURE_GPG, PAYLOAD(GPG_TYPE, HEX_A, "example.com/a:1", "{'timestamp':1.7e9,'later':[1]}")},
        {SC_SIGNATURE_SIGSTORE, PAYLOAD(SIGSTORE_TYPE, HEX_A, "example.com/a:1", "{}")},
        {SC_SIGNATURE_SIGSTORE, PAYLOAD(SIGSTORE_TYPE, HEX_A, "example.com/a:1", "null")},
};

START_TEST(reads_what_is_signed)
{
        g_autoptr(GBytes) text = json(good[_i].text);
        g_autoptr(GError) error = NULL;
        g_auto(ScSignedPayload) payload = {0};
        ck_assert(sc_signed_payload_parse(good[_i].kind, text, &payload, &error));
        ck_assert_no_error(error);
        g_autofree char *digest = sc_digest_to_string(&payload.digest);
        ck_assert_str_eq(digest, "sha256:" HEX_A);
        ck_assert_str_eq(payload.reference, "example.com/a:1");
}
END_TEST

static const struct {
        ScSignatureKind kind;
        const char *text;
} bad[] = {
        {SC_SIGNATURE_GPG, ""},
        {SC_SIGNATURE_GPG, "{}"},
        {SC_SIGNATURE_GPG, "[]"},
        {SC_SIGNATURE_GPG, PAYLOAD(SIGSTORE_TYPE, HEX_A, "a", "{}")},
        {SC_SIGNATURE_SIGSTORE, PAYLOAD(GPG_TYPE, HEX_A, "a", "{}")},
        {SC_SIGNATURE_GPG, PAYLOAD(GPG_TYPE, HEX_A, "a", "null")},
        {SC_SIGNATURE_GPG, PAYLOAD(GPG_TYPE, HEX_A, "a", "[]")},
        {SC_SIGNATURE_GPG, PAYLOAD(GPG_TYPE, "abc", "a", "{}")},
        {SC_SIGNATURE_GPG, PAYLOAD(GPG_TYPE, HEX_A, "a", "{'creator':1}")},
        {SC_SIGNATURE_GPG, PAYLOAD(GPG_TYPE, HEX_A, "a", "{'timestamp':1.5}")},
        {SC_SIGNATURE_GPG, PAYLOAD(GPG_TYPE, HEX_A, "a", "{'timestamp':'1'}")},
        {SC_SIGNATURE_GPG, PAYLOAD(GPG_TYPE, HEX_A, "a", "{'creator':'a','creator':'b'}")},
        {SC_SIGNATURE_GPG,
         "{'critical':{'type':'" GPG_TYPE "','image':{'docker-manifest-digest':'sha256:" HEX_A "'}},'optional':{}}"},
        {SC_SIGNATURE_GPG, "{'critical':{'type':'" GPG_TYPE "','image':{'docker-manifest-digest':'sha256:" HEX_A
                           "','more':1},'identity':{'docker-reference':'a'}},'optional':{}}"},
        {SC_SIGNATURE_GPG, "{'critical':{'type':'" GPG_TYPE "','image':{'docker-manifest-digest':'sha256:" HEX_A
                           "','docker-manifest-digest':'sha256:" HEX_B "'},'identity':{'docker-reference':'a'}},'optional':{}}"},
        {SC_SIGNATURE_GPG, "{'critical':{'type':'" GPG_TYPE "','image':{'docker-manifest-digest':'sha256:" HEX_A
                           "'},'identity':{'docker-reference':1}},'optional':{}}"},
        {SC_SIGNATURE_GPG, "{'critical':{'type':'" GPG_TYPE "','image':{'docker-manifest-digest':'sha256:" HEX_A
                           "'},'identity':{'docker-reference':'a'}}}"},
        {SC_SIGNATURE_GPG, "{'more':1,'critical':{'type':'" GPG_TYPE "','image':{'docker-manifest-digest':'sha256:" HEX_A
                           "'},'identity':{'docker-reference':'a'}},'optional':{}}"},
        {SC_SIGNATURE_GPG, GOOD " {}"},
};

START_TEST(refuses_what_says_more_or_less)
{
        g_autoptr(GBytes) text = json(bad[_i].text);
        g_autoptr(GError) error = NULL;
        g_auto(ScSignedPayload) payload = {0};
        ck_assert_msg(!sc_signed_payload_parse(bad[_i].kind, text, &payload, &error), "%s was accepted", bad[_i].text);
        ck_assert_error(error, SC_ERROR_VERIFY_FAILED, "");
}
END_TEST

static const struct {
        const char *text, *expected;
} base64[] = {
        {"aGVsbG8=", "hello"}, {"aGVsbG8h", "hello!"}, {"", NULL},     {"aGVsbG8", NULL},      {"aGVs bG8=", NULL},
        {"aGVsbG8=\n", NULL},  {"====", NULL},         {"a===", NULL}, {"aGVsbG8=aGVs", NULL}, {"aGVs_G8=", NULL},
};

START_TEST(reads_base64_strictly)
{
        g_autoptr(GBytes) bytes = sc_base64_decode(base64[_i].text);
        ck_assert_int_eq(bytes != NULL, base64[_i].expected != NULL);
        if (bytes != NULL)
                ck_assert_mem_eq(g_bytes_get_data(bytes, NULL), base64[_i].expected, strlen(base64[_i].expected));
}
END_TEST

START_TEST(keeps_signatures_as_text)
{
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)sc_signature_free);
        g_autofree char *text = NULL;
        ck_assert(sc_signatures_to_text(list, &text, NULL));
        ck_assert_ptr_null(text);
        g_ptr_array_add(list, sc_signature_new(SC_SIGNATURE_GPG, "abc", 3));
        ScSignature *sigstore = sc_signature_new(SC_SIGNATURE_SIGSTORE, "{}", 2);
        sigstore->signature = g_bytes_new("xyz", 3);
        g_ptr_array_add(list, sigstore);
        ck_assert(sc_signatures_to_text(list, &text, NULL));
        g_autoptr(GPtrArray) again = sc_signatures_from_text(text, NULL);
        ck_assert_uint_eq(again->len, 2);
        const ScSignature *first = again->pdata[0], *second = again->pdata[1];
        ck_assert_int_eq(first->kind, SC_SIGNATURE_GPG);
        ck_assert(g_bytes_equal(second->data, sigstore->data) && g_bytes_equal(second->signature, sigstore->signature));
}
END_TEST

/* ---- tools ---- */

static char *folder;

static void run(const char *command)
{
        g_autoptr(GError) error = NULL;
        int status = -1;
        g_autofree char *out = NULL, *err = NULL;
        g_auto(GStrv) environment = g_environ_setenv(g_get_environ(), "GNUPGHOME", folder, TRUE);
        const char *argv[] = {"sh", "-ec", command, NULL};
        g_spawn_sync(folder, (char **)argv, environment, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &err, &status, &error);
        ck_assert_no_error(error);
        ck_assert_msg(status == 0, "%s: %s%s", command, out, err);
}

static GBytes *file(const char *name)
{
        g_autofree char *path = g_build_filename(folder, name, NULL);
        char *data;
        gsize size;
        ck_assert(g_file_get_contents(path, &data, &size, NULL));
        return g_bytes_new_take(data, size);
}

/* 1700000000 is in 2023; a key of that time that lasts a day has expired. */
static void make_signatures(void)
{
        static const char script[] =
                "umask 077\n"
                "g() { gpg --batch --quiet --pinentry-mode loopback --passphrase '' \"$@\"; }\n"
                "g --quick-gen-key good ed25519 sign never\n"
                "g --quick-gen-key other ed25519 sign never\n"
                "g --faked-system-time 1700000000! --quick-gen-key expired ed25519 sign 1d\n"
                "g --quick-gen-key revoked ed25519 sign never\n"
                "for key in good other revoked; do g -u $key -o $key.sig --sign payload; g --export $key >$key.gpg; done\n"
                "g --export --armor good >good.asc\n"
                "g --faked-system-time 1700000000! -u expired -o expired.sig --sign payload; g --export expired >expired.gpg\n"
                "g --faked-system-time 1700000000! --quick-gen-key aged ed25519 sign never; g --export aged >aged.gpg\n"
                "g --faked-system-time 1700000000! --default-sig-expire 1d -u aged -o aged.sig --sign payload\n"
                "sed 's/^:-/-/' openpgp-revocs.d/$(g --list-keys --with-colons revoked | sed -n 's/^fpr:*\\([^:]*\\):/\\1/p').rev "
                ">rev; g --import rev; g --export revoked >revoked.gpg\n"
                "g -u good -o detached.sig --detach-sign payload\n"
                "g -u good -o clear.sig --clear-sign payload\n"
                "g -u good -u other -o two.sig --sign payload\n"
                "g -o literal.sig --store payload\n"
                "head -c 100000 /dev/zero >large; g -u good -o large.sig --sign large\n"
                "openssl ecparam -name prime256v1 -genkey -noout -out ec.pem; openssl pkey -in ec.pem -pubout -out ec.pub\n"
                "openssl genrsa -out rsa.pem 2048; openssl pkey -in rsa.pem -pubout -out rsa.pub\n"
                "openssl genpkey -algorithm ed25519 -out ed.pem; openssl pkey -in ed.pem -pubout -out ed.pub\n"
                "openssl genpkey -algorithm x25519 -out x.pem; openssl pkey -in x.pem -pubout -out x.pub\n"
                "openssl dgst -sha256 -sign ec.pem -out ec.sig payload; openssl dgst -sha256 -sign rsa.pem -out rsa.sig payload\n"
                "openssl pkeyutl -sign -rawin -inkey ed.pem -in payload -out ed.sig; openssl dgst -sha512 -sign ec.pem -out "
                "ec512.sig payload\n"
                "gpgconf --kill all\n";
        folder = test_folder_new();
        g_autofree char *path = g_build_filename(folder, "payload", NULL);
        g_autoptr(GBytes) text = json(GOOD);
        gsize size;
        const char *data = g_bytes_get_data(text, &size);
        ck_assert(g_file_set_contents(path, data, (gssize)size, NULL));
        run(script);
}

static void remove_signatures(void)
{
        test_folder_remove(folder);
}

/* ---- gpg ---- */

static const struct {
        const char *keys, *message, *wrong; /* NULL: nothing is */
} gpg_cases[] = {
        {"good.gpg", "good.sig", NULL},
        {"good.asc", "good.sig", NULL},
        {"other.gpg", "other.sig", NULL},
        {"other.gpg", "good.sig", "another key"},
        {"expired.gpg", "expired.sig", "the key has expired"},
        {"aged.gpg", "aged.sig", "the signature has expired"},
        {"revoked.gpg", "revoked.sig", "revoked"},
        {"good.gpg", "detached.sig", ""},
        {"good.gpg", "clear.sig", "no OpenPGP message"},
        {"good.gpg", "two.sig", "exactly one"},
        {"good.gpg", "literal.sig", ""},
        {"good.gpg", "payload", "no OpenPGP message"},
        {"good.gpg", "good.gpg", ""},
        {"good.gpg", "large.sig", ""},
};

START_TEST(opens_what_gpg_has_signed)
{
        g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        g_autoptr(GError) error = NULL;
        g_ptr_array_add(keys, file(gpg_cases[_i].keys));
        g_autoptr(ScGpg) gpg = sc_gpg_new(keys, &error);
        ck_assert_no_error(error);
        g_autoptr(GBytes) message = file(gpg_cases[_i].message), payload = file("payload");
        g_autoptr(GBytes) text = sc_gpg_open(gpg, message, &error);
        if (gpg_cases[_i].wrong != NULL) {
                ck_assert_msg(text == NULL, "%s was accepted", gpg_cases[_i].message);
                ck_assert_error(error, SC_ERROR_VERIFY_FAILED, gpg_cases[_i].wrong);
                return;
        }
        ck_assert_no_error(error);
        ck_assert(g_bytes_equal(text, payload));
}
END_TEST

/* Whatever byte of it is changed. */
START_TEST(refuses_what_was_changed)
{
        g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        g_ptr_array_add(keys, file("good.gpg"));
        g_autoptr(ScGpg) gpg = sc_gpg_new(keys, NULL);
        g_autoptr(GBytes) message = file("good.sig"), payload = file("payload");
        gsize size;
        const guint8 *data = g_bytes_get_data(message, &size);
        for (gsize i = 0; i < size; i += 17) {
                g_autofree guint8 *copy = g_memdup2(data, size);
                copy[i] ^= 0x20;
                g_autoptr(GBytes) changed = g_bytes_new(copy, size);
                g_autoptr(GBytes) text = sc_gpg_open(gpg, changed, NULL);
                ck_assert_msg(text == NULL || g_bytes_equal(text, payload), "byte %zu", i);
        }
}
END_TEST

START_TEST(refuses_keys_that_are_none)
{
        g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        g_autoptr(GError) error = NULL;
        g_ptr_array_add(keys, g_bytes_new("no key", 6));
        ck_assert_ptr_null(sc_gpg_new(keys, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "no OpenPGP key");
}
END_TEST

/* ---- sigstore ---- */

static const struct {
        const char *key, *signature;
        int code; /* -1: good */
} sigstore_cases[] = {
        {"ec.pub", "ec.sig", -1},
        {"rsa.pub", "rsa.sig", -1},
        {"ed.pub", "ed.sig", -1},
        {"ec.pub", "rsa.sig", SC_ERROR_VERIFY_FAILED},
        {"rsa.pub", "ec.sig", SC_ERROR_VERIFY_FAILED},
        {"ed.pub", "ec.sig", SC_ERROR_VERIFY_FAILED},
        {"ec.pub", "ec512.sig", SC_ERROR_VERIFY_FAILED},
        {"ec.pub", "payload", SC_ERROR_VERIFY_FAILED},
        {"x.pub", "ec.sig", SC_ERROR_UNSUPPORTED},
        {"payload", "ec.sig", SC_ERROR_CORRUPT},
        {"ec.pem", "ec.sig", SC_ERROR_CORRUPT}, /* who gives us a private key has made a mistake */
};

START_TEST(verifies_what_openssl_has_signed)
{
        g_autoptr(GBytes) key = file(sigstore_cases[_i].key), signature = file(sigstore_cases[_i].signature),
                          payload = file("payload");
        g_autoptr(GError) error = NULL;
        bool good_one = sc_sigstore_verify(key, payload, signature, &error);
        ck_assert_int_eq(good_one, sigstore_cases[_i].code < 0);
        if (!good_one)
                ck_assert_error(error, sigstore_cases[_i].code, "");
        g_autoptr(GBytes) other = g_bytes_new("other", 5);
        ck_assert(!sc_sigstore_verify(key, other, signature, NULL));
}
END_TEST

/* ---- all together ---- */

static const struct {
        const char *requirement, *image, *digest, *wrong;
} decisions[] = {
        {"{'type':'insecureAcceptAnything'}", "example.com/a:1", HEX_A, NULL},
        {"{'type':'reject'}", "example.com/a:1", HEX_A, "requirement 1, reject"},
        {"{'type':'insecureAcceptAnything'},{'type':'reject'}", "example.com/a:1", HEX_A, "requirement 2, reject"},
        {"{'type':'signedBy','keyType':'GPGKeys','keyPath':'FOLDER/good.gpg'}", "example.com/a:1", HEX_A, NULL},
        {"{'type':'signedBy','keyType':'GPGKeys','keyPaths':['FOLDER/other.gpg','FOLDER/good.gpg']}", "example.com/a:1", HEX_A,
         NULL},
        {"{'type':'signedBy','keyType':'GPGKeys','keyPath':'FOLDER/expired.gpg'}", "example.com/a:1", HEX_A,
         "no signature is good"},
        {"{'type':'signedBy','keyType':'GPGKeys','keyPath':'FOLDER/good.gpg'}", "example.com/a:2", HEX_A, "It names the image"},
        {"{'type':'signedBy','keyType':'GPGKeys','keyPath':'FOLDER/good.gpg'}", "example.com/a:1", HEX_B, "for another image"},
        {"{'type':'signedBy','keyType':'GPGKeys','keyPath':'FOLDER/good.gpg','signedIdentity':{'type':'matchRepository'}}",
         "example.com/a:2", HEX_A, NULL},
        {"{'type':'signedBy','keyType':'GPGKeys','keyPath':'FOLDER/nothing.gpg'}", "example.com/a:1", HEX_A, "nothing.gpg"},
        {"{'type':'signedBy','keyType':'X509Certificates','keyPath':'FOLDER/good.gpg'}", "example.com/a:1", HEX_A, "keyType"},
        {"{'type':'sigstoreSigned','keyPath':'FOLDER/ec.pub'}", "example.com/a:1", HEX_A, "there is no such signature"},
        {"{'type':'sigstoreSigned','keyPath':'FOLDER/ec.pub','rekorPublicKeyPath':'/a'}", "example.com/a:1", HEX_A, "rekor"},
        {"{'type':'signedBy','keyType':'GPGKeys','keyPath':'FOLDER/"
         "good.gpg'},{'type':'signedBy','keyType':'GPGKeys','keyPath':'FOLDER/other.gpg'}",
         "example.com/a:1", HEX_A, NULL},
        {"{'type':'signedBy','keyType':'GPGKeys','keyPath':'FOLDER/"
         "good.gpg'},{'type':'signedBy','keyType':'GPGKeys','keyPath':'FOLDER/revoked.gpg'}",
         "example.com/a:1", HEX_A, "requirement 2, signedBy"},
};

START_TEST(decides_by_the_rule)
{
        g_autoptr(GString) text = g_string_new("{'default':[");
        g_string_append(text, decisions[_i].requirement);
        g_string_append(text, "]}");
        g_string_replace(text, "'", "\"", 0);
        g_string_replace(text, "FOLDER", folder, 0);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScPolicy) policy = sc_policy_parse(text->str, -1, "policy", &error);
        ck_assert_no_error(error);
        g_autoptr(GPtrArray) signatures = g_ptr_array_new_with_free_func((GDestroyNotify)sc_signature_free);
        static const char *const files[] = {"revoked.sig", "expired.sig", "other.sig", "good.sig"};
        for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autoptr(GBytes) data = file(files[i]);
                g_ptr_array_add(signatures,
                                sc_signature_new(SC_SIGNATURE_GPG, g_bytes_get_data(data, NULL), g_bytes_get_size(data)));
        }
        g_autoptr(ScDockerName) pulled = sc_docker_name_parse(decisions[_i].image, NULL);
        ScDigest digest;
        ck_assert(sc_digest_parse_hex(decisions[_i].digest, &digest, NULL));
        const ScTrustSubject subject = {decisions[_i].image, pulled, &digest, "/the/policy.json"};
        g_autoptr(GPtrArray) accepted = NULL;
        bool ok = sc_trust_check(sc_policy_find(policy, "docker", NULL), &subject, signatures, &accepted, &error);
        if (decisions[_i].wrong == NULL) {
                ck_assert_no_error(error);
                ck_assert(ok);
                return;
        }
        ck_assert(!ok);
        ck_assert_msg(strstr(error->message, decisions[_i].wrong) != NULL, "%s", error->message);
        ck_assert(strstr(error->message, "the default rule in /the/policy.json") != NULL &&
                  strstr(error->message, decisions[_i].image) != NULL);
}
END_TEST

/* ---- attachments ---- */

#define LAYER(type, size, annotations) \
        "{'mediaType':'" type "','digest':'sha256:" HEX_A "','size':" size ",'annotations':" annotations "}"
#define SIMPLE "application/vnd.dev.cosign.simplesigning.v1+json"
#define SIGNED "{'dev.cosignproject.cosign/signature':'aGVsbG8='}"

static const struct {
        const char *layers;
        int expected; /* -1: Corrupt */
} attachments[] = {
        {"[" LAYER(SIMPLE, "100", SIGNED) "]", 1},
        {"[" LAYER(SIMPLE, "100", SIGNED) "," LAYER("other", "1", SIGNED) "," LAYER(SIMPLE, "2", "{}") "]", 1},
        {"[" LAYER(SIMPLE, "100", "{'dev.cosignproject.cosign/signature':'no base64'}") "]", 0},
        {"[]", 0},
        {"{}", -1},
        {"[1]", -1},
        {"[" LAYER(SIMPLE, "1000000", SIGNED) "]", -1},
        {"[" LAYER(SIMPLE, "-1", SIGNED) "]", -1},
        {"[" LAYER(SIMPLE, "1", "{'dev.cosignproject.cosign/signature':1}") "]", -1},
};

START_TEST(finds_attached_signatures)
{
        g_autofree char *manifest = g_strdup_printf("{'schemaVersion':2,'layers':%s}", attachments[_i].layers);
        g_autoptr(GBytes) text = json(manifest);
        g_autoptr(GError) error = NULL;
        gsize size;
        const char *data = g_bytes_get_data(text, &size);
        g_autoptr(GArray) list = sc_attachment_parse(data, size, "list", &error);
        if (attachments[_i].expected < 0)
                ck_assert_error(error, SC_ERROR_CORRUPT, "");
        else
                ck_assert_int_eq((int)list->len, attachments[_i].expected);
}
END_TEST

START_TEST(names_the_place_of_attachments)
{
        g_autoptr(ScReference) image = sc_reference_parse("example.com/a/b:1", NULL);
        ScDigest digest;
        ck_assert(sc_digest_parse_hex(HEX_B, &digest, NULL));
        g_autoptr(ScReference) place = sc_attachment_reference(image, &digest);
        ck_assert_str_eq(place->name, "example.com/a/b:sha256-" HEX_B ".sig");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("signature");
        TCase *cases = tcase_create("payload");
        tcase_add_loop_test(cases, reads_what_is_signed, 0, G_N_ELEMENTS(good));
        tcase_add_loop_test(cases, refuses_what_says_more_or_less, 0, G_N_ELEMENTS(bad));
        tcase_add_loop_test(cases, reads_base64_strictly, 0, G_N_ELEMENTS(base64));
        tcase_add_test(cases, keeps_signatures_as_text);
        tcase_add_loop_test(cases, finds_attached_signatures, 0, G_N_ELEMENTS(attachments));
        tcase_add_test(cases, names_the_place_of_attachments);
        suite_add_tcase(suite, cases);
        cases = tcase_create("signed");
        tcase_set_timeout(cases, 120);
        tcase_add_unchecked_fixture(cases, make_signatures, remove_signatures);
        tcase_add_loop_test(cases, opens_what_gpg_has_signed, 0, G_N_ELEMENTS(gpg_cases));
        tcase_add_test(cases, refuses_what_was_changed);
        tcase_add_test(cases, refuses_keys_that_are_none);
        tcase_add_loop_test(cases, verifies_what_openssl_has_signed, 0, G_N_ELEMENTS(sigstore_cases));
        tcase_add_loop_test(cases, decides_by_the_rule, 0, G_N_ELEMENTS(decisions));
        suite_add_tcase(suite, cases);
        return test_run(suite);
}
