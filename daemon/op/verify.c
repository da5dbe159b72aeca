/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "damage.h"
#include "describe.h"
#include "options.h"
#include "repair.h"
#include "resolve.h"
#include "store/verify.h"
#include <string.h>

/* Of what is told in one of the details. */
#define MAX_DETAIL (48u * 1024)

typedef struct {
        ScOpContext *context;
        ScRepository *repository;
        const ScImage *image;
        const char *name; /* of the image, that was asked for */
        ScVerdict *verdict;
        char **containers; /* that have damaged files */
} Verify;

static void verify_clear(Verify *verify)
{
        g_clear_pointer(&verify->verdict, sc_verdict_free);
        g_clear_pointer(&verify->containers, g_strfreev);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Verify, verify_clear)

/* ---- what is told */

static char *describe(const ScFinding *finding)
{
        if (*finding->path == '\0')
                return g_strdup_printf("%s %s", finding->layer, finding->what);
        return g_strdup_printf("%s: /%s %s", finding->layer, finding->path, finding->what);
}

static void tell_number(Verify *verify, const char *key, guint64 number)
{
        g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, number);
        sc_detail(verify->context, key, text);
}

static void tell_findings(Verify *verify)
{
        const ScVerdict *verdict = verify->verdict;
        g_autoptr(GString) list = g_string_new(NULL), layers = g_string_new(NULL);
        for (guint i = 0; i < verdict->findings->len; i++) {
                g_autofree char *line = describe(verdict->findings->pdata[i]);
                sc_report_message(verify->context->report, "%s", line);
                if (list->len + strlen(line) < MAX_DETAIL)
                        g_string_append_printf(list, "%s%s", list->len > 0 ? "\n" : "", line);
        }
        if (verdict->n_findings > verdict->findings->len)
                sc_report_message(verify->context->report, "... and %" G_GUINT64_FORMAT " more",
                                  verdict->n_findings - verdict->findings->len);
        for (guint i = 0; i < verdict->layers->len; i++) {
                g_autofree char *layer = sc_digest_to_string(&((const ScLayerInfo *)verdict->layers->pdata[i])->digest);
                if (layers->len + strlen(layer) < MAX_DETAIL)
                        g_string_append_printf(layers, "%s%s", layers->len > 0 ? "\n" : "", layer);
        }
        g_autofree char *containers = g_strjoinv("\n", verify->containers);
        tell_number(verify, "files", verdict->files);
        tell_number(verify, "bytes", verdict->bytes);
        tell_number(verify, "damaged", verdict->n_findings);
        sc_detail(verify->context, "damaged-files", list->len > 0 ? list->str : NULL);
        sc_detail(verify->context, "damaged-layers", layers->len > 0 ? layers->str : NULL);
        if (*containers != '\0')
                sc_detail(verify->context, "containers", containers);
}

static bool throw_damaged(Verify *verify, GError **error)
{
        g_autofree char *containers = g_strjoinv(", ", verify->containers);
        if (verify->verdict->n_findings == 0)
                return sc_throw(error, SC_ERROR_VERIFY_FAILED,
                                "Image %s is whole, but containers still have damaged files that were repaired in it (%s): "
                                "`sysconsctl verify --repair` goes on",
                                verify->name, containers);
        g_autofree char *first = describe(verify->verdict->findings->pdata[0]);
        return sc_throw(error, SC_ERROR_VERIFY_FAILED,
                        "Image %s is damaged in %" G_GUINT64_FORMAT
                        " place%s (the first: %s)%s%s: `sysconsctl verify --repair` fetches its damaged layers again",
                        verify->name, verify->verdict->n_findings, verify->verdict->n_findings == 1 ? "" : "s", first,
                        *containers != '\0' ? ", shared by the containers " : "", containers);
}

/* ---- is there a newer one */

/* Under the image's own tag, not under latest. A name that was given to it here is not known to the registry: then the name that it
 * came by. */
static bool ask_for_newer(Verify *verify, GError **error)
{
        ScOpContext context = *verify->context;
        g_autoptr(ScReference) reference = sc_repair_origin(verify->image, verify->name, error);
        if (reference == NULL)
                return false;
        if (reference->digest != NULL) {
                sc_detail(verify->context, "newer", "no");
                return true;
        }
        context.subject = reference->name;
        sc_report_phase(context.report, "Resolving", 0);
        g_auto(ScManifestText) manifest = {0};
        g_autofree char *config = NULL;
        g_autoptr(ScTransport) transport = sc_resolve_open(&context, reference, NULL, error);
        g_autoptr(ScImageInfo)
                info = transport != NULL ? sc_resolve(&context, transport, context.cancellable, &manifest, &config, error) : NULL;
        if (info == NULL)
                return false;
        bool newer = !sc_digest_equal(&info->digest, &verify->image->info->digest);
        g_autofree char *digest = sc_digest_to_string(&info->digest);
        sc_detail(verify->context, "newer", newer ? digest : "no");
        if (newer)
                sc_report_message(context.report, "A newer image is there: %s is %s", reference->name, digest);
        else
                sc_report_message(context.report, "%s is the newest there is", reference->name);
        return true;
}

/* ---- the operation */

static bool look(Verify *verify, GError **error)
{
        g_clear_pointer(&verify->verdict, sc_verdict_free);
        verify->verdict = sc_verify_image(verify->repository, verify->image, verify->context->report, verify->context->cancellable,
                                          error);
        return verify->verdict != NULL;
}

static bool find_containers(Verify *verify, ScDamage *damage, GError **error)
{
        if (sc_damage_is_known(damage))
                sc_report_phase(verify->context->report, "Looking through the containers", 0);
        verify->containers = sc_damage_containers(damage, verify->context, error);
        return verify->containers != NULL;
}

static bool repair(Verify *verify, ScDamage *damage, GError **error)
{
        if (!sc_repair(verify->context, verify->repository, verify->image, verify->verdict, damage, error))
                return false;
        sc_detail(verify->context, "repaired", "yes");
        /* What was fetched is right by its digests; this says that nothing was overlooked. A new commit is another image's by now.
         */
        if (verify->verdict->manifest)
                return true;
        if (!look(verify, error))
                return false;
        return verify->verdict->n_findings == 0 || throw_damaged(verify, error);
}

static bool run(Verify *verify, bool with_repair, bool with_newer, GError **error)
{
        if (!look(verify, error))
                return false;
        g_autoptr(ScDamage) damage = sc_damage_new(verify->repository, verify->verdict->objects, error);
        if (damage == NULL || !find_containers(verify, damage, error))
                return false;
        tell_findings(verify);
        bool damaged = verify->verdict->n_findings > 0 || verify->containers[0] != NULL;
        if (with_newer && !ask_for_newer(verify, error))
                return false;
        if (damaged && !with_repair)
                return throw_damaged(verify, error);
        if (damaged && !repair(verify, damage, error))
                return false;
        sc_report_message(verify->context->report, damaged ? "Image %s is whole again" : "Image %s is whole", verify->name);
        return true;
}

bool sc_op_verify(ScOpContext *context, GError **error)
{
        static const char *const repair_words[] = {"no", "yes", NULL}, *const newer_words[] = {"ignore", "ask", NULL};
        const char *with_repair, *newer, *name;
        if (!sc_option_word(context, "repair", repair_words, &with_repair, error) ||
            !sc_option_word(context, "newer", newer_words, &newer, error) || !sc_option_string(context, "name", &name, error))
                return false;
        g_autoptr(ScRepository) repository = sc_repository_open(context->config, SC_REPOSITORY_READ, error);
        g_autoptr(ScImage) image = repository != NULL ? sc_image_find_described(context, repository,
                                                                                name != NULL ? name : context->subject, error)
                                                      : NULL;
        sc_autofd lock = image != NULL ? sc_repository_lock(repository, false, context->cancellable, error) : -1;
        if (lock < 0)
                return false;
        g_auto(Verify) verify = {
                .context = context, .repository = repository, .image = image, .name = name != NULL ? name : image->names[0]};
        sc_detail(context, "image", verify.name);
        sc_detail(context, "image-id", image->id);
        return run(&verify, strcmp(with_repair, "yes") == 0, strcmp(newer, "ask") == 0, error);
}
