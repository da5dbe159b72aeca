/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include "base/error.h"
#include "base/reference.h"
#include "describe.h"
#include "import-name.h"
#include "resolve.h"
#include "store/layer.h"
#include "store/tree-file.h"
#include "trust.h"
#include <sys/statvfs.h>

void sc_plan_image_clear(ScPlanImage *image)
{
        g_free(image->name);
        sc_image_free(image->image);
}

static char *hex_of(const ScDigest *digest)
{
        char hex[SC_DIGEST_HEX_SIZE];
        sc_digest_to_hex(digest, hex);
        return g_strdup(hex);
}

/* What the policy says to it; a refusal is a conflict. */
static bool put_trust(ScPlan *plan, const char *rule, GError **local, GError **error)
{
        JsonObject *object = json_object_new();
        json_object_set_boolean_member(object, "accepted", *local == NULL);
        if (rule != NULL)
                json_object_set_string_member(object, "rule", rule);
        json_object_set_object_member(plan->out, "trust", object);
        return sc_plan_conflict(plan, local, error);
}

/* As if it had been pulled: what the registry says is enough to render from, where the layers are here. */
static bool ask_registry(ScPlan *plan, ScPlanImage *ret, GError **error)
{
        ScOpContext context = plan->context;
        context.subject = plan->fetch;
        g_autoptr(ScReference) reference = sc_reference_parse_to_pull(plan->fetch, error);
        g_autoptr(ScTransport) transport = reference != NULL ? sc_resolve_open(&context, reference, NULL, error) : NULL;
        g_auto(ScManifestText) manifest = {0};
        g_autofree char *config = NULL;
        ScImageInfo *info = transport != NULL ? sc_resolve(&context, transport, context.cancellable, &manifest, &config, error)
                                              : NULL;
        if (info == NULL)
                return false;
        ret->image = g_new0(ScImage, 1);
        ret->image->info = info;
        ret->name = sc_import_name(&context, reference, transport, error);
        if (ret->name == NULL)
                return false;
        ret->is_of_registry = !sc_source_is_file(reference->source);
        ret->image->names = g_strdupv((char *[]){ret->name, NULL});
        ret->image->id = hex_of(&info->config);
        info->name = g_strdup(ret->name);
        g_autofree char *rule = NULL;
        g_autoptr(GError) local = NULL;
        (void)sc_trust_pulled(&context, reference, info, &rule, context.cancellable, &local);
        return put_trust(plan, rule, &local, error);
}

static bool look_here(ScPlan *plan, const char *name_or_id, ScPlanImage *ret, GError **error)
{
        g_autoptr(GError) local = NULL;
        g_autoptr(ScReference) reference = sc_reference_parse(name_or_id, NULL);
        if (plan->repository != NULL)
                ret->image = sc_image_find(plan->repository, name_or_id, &local);
        else
                sc_throw(&local, SC_ERROR_NOT_FOUND, "Image %s not found", name_or_id);
        if (ret->image == NULL)
                return sc_plan_conflict(plan, &local, error);
        if (ret->image->info == NULL) {
                ret->image->info = sc_image_info_of_commit(&plan->context, plan->repository, ret->image->commit,
                                                           ret->image->names[0], &local);
                if (!sc_plan_conflict(plan, &local, error))
                        return false;
        }
        bool by_name = reference != NULL && g_strv_contains((const char *const *)ret->image->names, reference->name);
        ret->name = g_strdup(by_name ? reference->name : ret->image->names[0]);
        g_autofree char *rule = NULL;
        if (ret->image->info == NULL)
                return true;
        (void)sc_trust_here(&plan->context, ret->image, &rule, &local);
        return put_trust(plan, rule, &local, error);
}

static bool find_layers(ScPlan *plan, ScPlanImage *image, GError **error)
{
        const ScImageInfo *info = image->image->info;
        image->bytes = 0;
        if (plan->repository == NULL) {
                image->complete = info->layers->len == 0;
                for (guint i = 0; i < info->layers->len; i++)
                        image->bytes += ((const ScLayerInfo *)info->layers->pdata[i])->size;
        } else {
                g_autoptr(GPtrArray) missing = sc_resolve_missing(plan->repository, info, &image->bytes, error);
                if (missing == NULL)
                        return false;
                image->complete = missing->len == 0;
        }
        return true;
}

static void put_layers(ScPlan *plan, const ScImageInfo *info)
{
        JsonArray *layers = sc_plan_list(plan, "layers");
        for (guint i = 0; i < info->layers->len; i++) {
                const ScLayerInfo *layer = info->layers->pdata[i];
                if (!sc_plan_list_has_room(plan, "layers", layers))
                        continue;
                g_autofree char *digest = sc_digest_to_string(&layer->digest);
                JsonObject *object = json_object_new();
                json_object_set_string_member(object, "digest", digest);
                json_object_set_int_member(object, "size", (gint64)layer->size);
                json_object_set_boolean_member(object, "here",
                                               plan->repository != NULL && sc_layer_exists(plan->repository, &layer->digest, NULL));
                json_array_add_object_element(layers, object);
        }
}

static bool put_image(ScPlan *plan, ScPlanImage *image, GError **error)
{
        const ScImageInfo *info = image->image->info;
        JsonObject *object = json_object_new();
        json_object_set_object_member(plan->out, "image", object);
        json_object_set_string_member(object, "name", image->name);
        json_object_set_string_member(object, "id", image->image->id);
        if (info == NULL)
                return true;
        if (!find_layers(plan, image, error))
                return false;
        g_autofree char *digest = sc_digest_to_string(&info->digest);
        json_object_set_string_member(object, "digest", digest);
        json_object_set_int_member(object, "created", info->created);
        json_object_set_boolean_member(object, "here", image->complete);
        json_object_set_boolean_member(object, "of_registry", image->is_of_registry);
        json_object_set_int_member(object, "bytes_to_fetch", (gint64)image->bytes);
        put_layers(plan, info);
        return true;
}

bool sc_plan_image(ScPlan *plan, const char *name_or_id, ScPlanImage *ret, GError **error)
{
        if (plan->fetch != NULL ? !ask_registry(plan, ret, error) : !look_here(plan, name_or_id, ret, error))
                return false;
        return ret->image == NULL || put_image(plan, ret, error);
}

bool sc_plan_privileged(ScPlan *plan, const ScTree *tree, GError **error)
{
        g_autoptr(GPtrArray) files = sc_tree_privileged_files(tree, plan->context.cancellable, error);
        if (files == NULL)
                return false;
        JsonArray *list = sc_plan_list(plan, "privileged_files");
        for (guint i = 0; i < files->len; i++) {
                const ScPrivilegedFile *file = files->pdata[i];
                if (!sc_plan_list_has_room(plan, "privileged_files", list))
                        continue;
                g_autofree char *path = g_utf8_make_valid(file->path, -1);
                g_autofree char *mode = g_strdup_printf("%04o", file->mode & 07777);
                JsonObject *object = json_object_new();
                json_object_set_string_member(object, "path", path);
                json_object_set_string_member(object, "mode", mode);
                json_object_set_int_member(object, "uid", file->uid);
                json_object_set_int_member(object, "gid", file->gid);
                json_object_set_boolean_member(object, "capabilities", file->capabilities);
                json_array_add_object_element(list, object);
        }
        return true;
}

bool sc_plan_disk(ScPlan *plan, const ScPlanImage *image, guint64 bytes, GError **error)
{
        struct statvfs fs;
        const char *place = plan->repository != NULL ? sc_repository_path(plan->repository)
                            : plan->checkout_fd >= 0 ? plan->context.config->checkout_path
                                                     : "/";
        if (statvfs(place, &fs) < 0)
                return sc_throw_errno(error, "Cannot look at the disk of %s", place);
        guint64 needed = bytes + image->bytes;
        guint64 free_bytes = (guint64)fs.f_bavail * fs.f_frsize;
        JsonObject *object = json_object_new();
        json_object_set_int_member(object, "needed", (gint64)needed);
        /* What is fetched is packed: how large it becomes is not known before. */
        json_object_set_boolean_member(object, "exact", image->bytes == 0);
        json_object_set_int_member(object, "free", (gint64)free_bytes);
        json_object_set_object_member(plan->out, "disk", object);
        if (needed > free_bytes)
                sc_plan_note(plan, "conflicts", "There is not enough space on the disk");
        return true;
}

bool sc_plan_pull(ScPlan *plan, GError **error)
{
        g_auto(ScPlanImage) image = {0};
        if (plan->fetch == NULL)
                plan->fetch = plan->context.subject;
        if (!sc_plan_image(plan, plan->context.subject, &image, error))
                return false;
        g_autoptr(ScImage) before = plan->repository != NULL ? sc_image_find(plan->repository, image.name, NULL) : NULL;
        bool same = before != NULL && before->info != NULL && image.complete &&
                    sc_digest_equal(&before->info->digest, &image.image->info->digest);
        if (before != NULL && !same)
                json_object_set_string_member(plan->out, "replaces", before->id);
        sc_plan_changes(plan, !same, NULL);
        if (!sc_plan_disk(plan, &image, 0, error))
                return false;
        if (!image.complete || plan->repository == NULL) {
                sc_plan_note(plan, "unknown", "privileged_files");
                return true;
        }
        g_autoptr(ScTree) tree = sc_tree_merge(plan->repository, image.image->info->layers, plan->context.cancellable, error);
        return tree != NULL && sc_plan_privileged(plan, tree, error);
}
