/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "base/reference.h"
#include "image-exports.h"
#include "import-name.h"
#include "layer-fetch.h"
#include "options.h"
#include "registry/transport.h"
#include "resolve.h"
#include "store/image.h"
#include "store/name-claim.h"
#include "store/pull-intent.h"
#include "store/repository.h"
#include "trust.h"
#include <string.h>

/* One pull: several threads fetch and import layers; the first that fails ends the others. */
typedef struct {
        ScOpContext *context;
        ScTransport *transport;
        ScRepository *repository;
        ScImport *import;
        char *name;                /* that the image gets; NULL: not known yet */
        GPtrArray *missing;        /* ScLayerInfo, borrowed from the image */
        GCancellable *cancellable; /* ends all threads */
        GMutex mutex;
        guint next;    /* of missing, to be taken */
        GError *error; /* the first one */
} Pull;

static void pull_clear(Pull *pull)
{
        sc_import_free(pull->import);
        g_free(pull->name);
        sc_transport_free(pull->transport);
        sc_repository_free(pull->repository);
        g_clear_pointer(&pull->missing, g_ptr_array_unref);
        g_clear_object(&pull->cancellable);
        g_clear_error(&pull->error);
        g_mutex_clear(&pull->mutex);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pull, pull_clear)

/* ---- layers ---- */

static ScLayerInfo *take_layer(Pull *pull)
{
        g_mutex_lock(&pull->mutex);
        ScLayerInfo *layer = pull->error == NULL && pull->next < pull->missing->len ? pull->missing->pdata[pull->next++] : NULL;
        if (layer != NULL)
                sc_import_announce(pull->import, pull->next == pull->missing->len);
        g_mutex_unlock(&pull->mutex);
        return layer;
}

static void fail(Pull *pull, GError *error)
{
        g_mutex_lock(&pull->mutex);
        if (pull->error == NULL)
                pull->error = error;
        else
                g_error_free(error);
        g_mutex_unlock(&pull->mutex);
        g_cancellable_cancel(pull->cancellable);
}

static gpointer fetch_layers(gpointer data)
{
        Pull *pull = data;
        for (ScLayerInfo *layer; (layer = take_layer(pull)) != NULL;) {
                GError *error = NULL;
                if (!sc_layer_fetch(pull->context, pull->transport, pull->import, layer, &layer->inflated_size, pull->cancellable,
                                    &error) ||
                    !sc_failpoint("pull-layer", &error))
                        fail(pull, error);
                sc_import_withdraw(pull->import);
        }
        return NULL;
}

static gint compare_places(gconstpointer a, gconstpointer b, gpointer transport)
{
        const ScLayerInfo *left = *(ScLayerInfo *const *)a, *right = *(ScLayerInfo *const *)b;
        guint64 here = 0, there = 0;
        sc_transport_get_place(transport, &left->digest, &here);
        sc_transport_get_place(transport, &right->digest, &there);
        return here < there ? -1 : here > there;
}

/* How many at a time; those that come one after the other are taken as they come. */
static guint put_in_order(Pull *pull)
{
        guint64 place;
        const ScLayerInfo *first = pull->missing->len > 0 ? pull->missing->pdata[0] : NULL;
        if (first == NULL || !sc_transport_get_place(pull->transport, &first->digest, &place))
                return MIN(pull->context->config->parallel_layers, pull->missing->len);
        g_ptr_array_sort_with_data(pull->missing, compare_places, pull->transport);
        return 1;
}

static bool fetch_missing(Pull *pull, GError **error)
{
        guint n = put_in_order(pull);
        g_autofree GThread **threads = g_new0(GThread *, n + 1);
        for (guint i = 0; i < n; i++)
                threads[i] = g_thread_new("layer", fetch_layers, pull);
        for (guint i = 0; i < n; i++)
                g_thread_join(threads[i]);
        if (pull->error == NULL)
                return true;
        g_propagate_error(error, g_steal_pointer(&pull->error));
        return false;
}

/* ---- the whole ---- */

/* The image of the name; *ret NULL: none that could be read as one. */
static bool find_here(Pull *pull, const char *name, ScImage **ret, GError **error)
{
        g_autoptr(GError) none = NULL;
        *ret = sc_image_find(pull->repository, name, &none);
        if (*ret != NULL || g_error_matches(none, SC_ERROR, SC_ERROR_NOT_FOUND) ||
            g_error_matches(none, SC_ERROR, SC_ERROR_CORRUPT))
                return true;
        g_propagate_error(error, g_steal_pointer(&none));
        return false;
}

/* What the name means now, if that is what was pulled. Signatures that it has, and did not need this time, may be needed again. */
static bool find_published(Pull *pull, const char *name, const ScImageInfo *info, ScImage **ret, GError **error)
{
        g_autoptr(ScImage) image = NULL;
        if (!find_here(pull, name, &image, error))
                return false;
        bool same = image != NULL && image->info != NULL && sc_digest_equal(&image->info->digest, &info->digest) &&
                    g_strv_contains((const char *const *)image->names, name) && g_strcmp0(image->info->source, info->source) == 0 &&
                    g_strcmp0(image->info->name, info->name) == 0 && g_strcmp0(image->info->transport, info->transport) == 0 &&
                    (info->signatures == NULL || g_strcmp0(image->info->signatures, info->signatures) == 0);
        *ret = same ? g_steal_pointer(&image) : NULL;
        return true;
}

/* Whether the same image is here by that name, from wherever. What nobody vouches for takes nothing from it then, and the name
 * stays what it was, as does the source of the next update. */
static bool find_same(Pull *pull, const char *name, const ScImageInfo *info, ScImage **ret, GError **error)
{
        if (sc_provenance_is_verified(info->source))
                return find_published(pull, name, info, ret, error);
        g_autoptr(ScImage) image = NULL;
        if (!find_here(pull, name, &image, error))
                return false;
        bool same = image != NULL && image->info != NULL && sc_digest_equal(&image->info->digest, &info->digest) &&
                    g_strv_contains((const char *const *)image->names, name);
        *ret = same ? g_steal_pointer(&image) : NULL;
        return true;
}

static bool claim_name(const Pull *pull, const char *name, const ScImageInfo *info, char **ret_from, GError **error)
{
        static const char *const replace_words[] = {"no", "yes", NULL};
        const char *replace;
        if (!sc_option_word(pull->context, "replace", replace_words, &replace, error))
                return false;
        const ScNameClaim claim = {.name = name, .source = info->source, .may_replace = strcmp(replace, "yes") == 0};
        return sc_name_claim(pull->repository, pull->context->config, &claim, ret_from, error);
}

static void tell(ScOpContext *context, const char *name, const ScImage *image, bool changed)
{
        const ScImageInfo *info = image->info;
        char hex[SC_DIGEST_HEX_SIZE];
        g_autofree char *digest = sc_digest_to_string(&info->digest);
        sc_digest_to_hex(&info->config, hex);
        sc_detail(context, "image", name);
        sc_detail(context, "image-id", hex);
        sc_detail(context, "digest", digest);
        sc_detail(context, "commit", image->commit);
        sc_detail(context, "changed", changed ? "yes" : "no");
}

/* On a full disk the layers that did come are in the way of the user, who has to make room. */
static void give_up_layers(Pull *pull, const char *name)
{
        (void)sc_pull_intent_remove(pull->repository, name, NULL);
}

/* The layers. */
static bool import_layers(Pull *pull, ScImageInfo *info, GError **error)
{
        ScOpContext *context = pull->context;
        ScImportLimits limits = {.max_layer_size = context->config->max_layer_size};
        pull->import = sc_import_new(pull->repository, &limits, error);
        if (pull->import == NULL || !fetch_missing(pull, error))
                return false;
        sc_report_phase(context->report, "Publishing", 0);
        return sc_image_describe_layers(pull->repository, info, pull->cancellable, error) && sc_failpoint("pull-publish", error);
}

static void tell_beginning(const ScOpContext *context, const char *name)
{
        sc_report_message(context->report, "Image %s is being pulled to ostree ...", name);
}

static bool pull_image(Pull *pull, const ScReference *reference, GError **error)
{
        ScOpContext *context = pull->context;
        g_auto(ScManifestText) manifest = {0};
        g_autofree char *config = NULL;
        sc_report_phase(context->report, "Resolving", 0);
        g_autoptr(ScImageInfo) info = sc_resolve(context, pull->transport, pull->cancellable, &manifest, &config, error);
        if (info == NULL)
                return false;
        const char *name = pull->name = sc_import_name(context, reference, pull->transport, error);
        if (name == NULL)
                return false;
        /* What a file holds was not known before. */
        if (sc_source_is_file(reference->source))
                tell_beginning(context, name);
        info->name = g_strdup(name);
        info->source = g_strdup(sc_source_facts(reference->source)->provenance);
        g_autofree char *rule = NULL;
        if (!sc_trust_pulled(context, reference, info, &rule, pull->cancellable, error))
                return false;
        if (rule == NULL)
                sc_trust_warn(context, info->name);

        /* From the look at what is missing to the image's ref, prune stays away. */
        sc_autofd lock = sc_repository_lock(pull->repository, false, context->cancellable, error);
        guint64 bytes;
        pull->missing = lock >= 0 ? sc_resolve_missing(pull->repository, info, &bytes, error) : NULL;
        if (pull->missing == NULL)
                return false;
        sc_report_phase(context->report, "Pulling", bytes);
        g_autoptr(ScImage) before = NULL;
        if (pull->missing->len == 0 && !find_same(pull, name, info, &before, error))
                return false;
        if (before != NULL) {
                /* Of a pull that the power cut off behind its last step but one. */
                (void)sc_pull_intent_remove(pull->repository, name, NULL);
                tell(context, name, before, false);
                return true;
        }
        g_autofree char *from = NULL;
        if (!claim_name(pull, name, info, &from, error))
                return false;
        const ScImageTarget target = {.name = name, .from = from, .config = config};
        if ((pull->missing->len > 0 && !sc_pull_intent_write(pull->repository, name, info->layers, error)) ||
            !import_layers(pull, info, error) ||
            !sc_image_publish(pull->repository, &target, manifest.text, manifest.size, info, error) ||
            !sc_failpoint("pull-intent-gone", error))
                return false;
        /* The image is here; a record that stays makes prune keep its layers for a while, which it does anyway. */
        g_autoptr(GError) kept = NULL;
        if (!sc_pull_intent_remove(pull->repository, name, &kept))
                sc_report_message(context->report, "The record of the pull is left, to be removed by prune: %s", kept->message);
        g_autoptr(ScImage) image = NULL;
        if (!find_published(pull, name, info, &image, error))
                return false;
        if (image == NULL)
                return sc_throw(error, SC_ERROR_BUSY, "The name %s was given to another image at the same time: try again", name);
        tell(context, name, image, true);
        return true;
}

static void pass_cancel_on(GCancellable *from G_GNUC_UNUSED, gpointer to)
{
        g_cancellable_cancel(to);
}

bool sc_op_pull(ScOpContext *context, GError **error)
{
        g_autoptr(ScReference) reference = sc_reference_parse_to_pull(context->subject, error);
        if (reference == NULL)
                return false;
        g_auto(Pull) pull = {.context = context};
        g_mutex_init(&pull.mutex);
        pull.cancellable = g_cancellable_new();
        gulong handler = g_cancellable_connect(context->cancellable, G_CALLBACK(pass_cancel_on), pull.cancellable, NULL);
        pull.repository = sc_repository_open(context->config, SC_REPOSITORY_CREATE, error);
        pull.transport = pull.repository != NULL ? sc_resolve_open(context, reference, pull.repository, error) : NULL;
        bool ok = pull.transport != NULL;
        if (ok) {
                g_autoptr(GError) own_error = NULL;
                if (!sc_source_is_file(reference->source))
                        tell_beginning(context, context->subject);
                ok = pull_image(&pull, reference, &own_error);
                if (pull.name != NULL && g_error_matches(own_error, SC_ERROR, SC_ERROR_NO_SPACE))
                        give_up_layers(&pull, pull.name);
                if (own_error != NULL)
                        g_propagate_error(error, g_steal_pointer(&own_error));
        }
        g_cancellable_disconnect(context->cancellable, handler);
        return ok;
}
