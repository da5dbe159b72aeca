/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an operation would do, found out without doing it: nothing is written, imported or locked against others. The plan is a JSON
 * object; dbus/org.sysconsd1.Manager.xml describes it. It uses the same checks and the same rendering as the operations. */

#include "op.h"
#include "render.h"
#include "store/image.h"
#include "store/merge.h"
#include "store/repository.h"
#include "unit/exports.h"
#include "unit/package.h"
#include "unit/systemd.h"
#include "unit/variables.h"

/* Bytes of the whole text: it must fit into one packet of the worker's, where its quotes are escaped. */
#define SC_PLAN_MAX (128u * 1024)
/* Bytes of a unit's text that are shown, and entries of a list. */
#define SC_PLAN_MAX_TEXT (16u * 1024)
#define SC_PLAN_MAX_ENTRIES 400

typedef struct {
        ScOpContext context;      /* as the operation would have it; what it would say is collected in the plan */
        const char *fetch;        /* the image to ask its registry for, [SOURCE:]NAME; NULL: as it is here */
        bool with_values;         /* the caller may see values */
        JsonObject *out;          /* the plan */
        ScRepository *repository; /* NULL: there is none yet */
        int checkout_fd;          /* -1: there is none yet */
        ScSystemd *systemd;
} ScPlan;

/* The operations, one each. An error is one that the call itself would have got, or that kept us from looking; what would refuse
 * the operation is a conflict in the plan. */
bool sc_plan_install(ScPlan *plan, GError **error);
bool sc_plan_update(ScPlan *plan, GError **error);
bool sc_plan_rollback(ScPlan *plan, GError **error);
bool sc_plan_uninstall(ScPlan *plan, GError **error);
bool sc_plan_pull(ScPlan *plan, GError **error);
bool sc_plan_prune(ScPlan *plan, GError **error);

/* ---- what they share ---- */

/* Adds a string to the list of that name ("conflicts", "notes", "unknown"). */
void sc_plan_note(ScPlan *plan, const char *list, const char *text);
/* The error as a conflict, taken; false (and the error handed on) for one that is none: the plan was cancelled. */
bool sc_plan_conflict(ScPlan *plan, GError **local, GError **error);
/* Whether the operation would change anything; `why`: what it says where it does not, else NULL. */
void sc_plan_changes(ScPlan *plan, bool changed, const char *why);

/* A list that is cut at SC_PLAN_MAX_ENTRIES: the array to fill, in the plan under that name. False: it is full, and counts. */
JsonArray *sc_plan_list(ScPlan *plan, const char *name);
bool sc_plan_list_has_room(ScPlan *plan, const char *name, JsonArray *list);

/* An image, as the registry has it or as it is here. */
typedef struct {
        char *name;          /* canonical; NULL: it is not known */
        ScImage *image;      /* NULL: there is none */
        guint64 bytes;       /* to fetch */
        bool complete;       /* all its layers are here */
        bool is_of_registry; /* asked from it just now */
} ScPlanImage;
void sc_plan_image_clear(ScPlanImage *image);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScPlanImage, sc_plan_image_clear)
/* Finds it and puts it into the plan. That there is no such image here is a conflict. */
bool sc_plan_image(ScPlan *plan, const char *name_or_id, ScPlanImage *ret, GError **error);
/* Programs of the image that get rights from their files. */
bool sc_plan_privileged(ScPlan *plan, const ScTree *tree, GError **error);
/* Space on the disk: `bytes` and what the image's missing layers take at least. */
bool sc_plan_disk(ScPlan *plan, const ScPlanImage *image, guint64 bytes, GError **error);

/* One of the two deployments of a change; NULL or zero where there is nothing. Nothing is owned. */
typedef struct {
        const char *unit;
        const char *tmpfiles;
        GPtrArray *files; /* ScHostFile */
        GHashTable *values;
        GHashTable *set;      /* those that the user set; NULL: not known */
        GHashTable *defaults; /* of the image */
        ScPackage *package;   /* of one that is there */
} ScPlanSide;
/* The host brought from old to new: files, unit, tmpfiles. */
bool sc_plan_host(ScPlan *plan, const char *container, const ScPlanSide *old, const ScPlanSide *new, GError **error);
void sc_plan_values(ScPlan *plan, const ScPlanSide *old, const ScPlanSide *new);

/* What /exports/hostfs of a tree in the repository wants on the host; see sc_host_files_plan(). */
GPtrArray *sc_plan_host_files(const ScTree *tree, const ScExports *exports, const ScVariables *variables, GError **error);

/* The system package of a deployment to come. */
typedef struct {
        ScPackage *package;    /* NULL: none */
        ScPackageFacts *facts; /* NULL: it is built already */
        char **files;          /* destinations on the host; NULL: not known */
        bool is_foreign;       /* made by a spec of the image's own */
} ScPlanPackage;
void sc_plan_package_clear(ScPlanPackage *package);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScPlanPackage, sc_plan_package_clear)
/* Which one the rendering would be given; that it cannot is a conflict. files: ScHostFile, all that it wants on the host. */
bool sc_plan_package_of(ScPlan *plan, const ScRendering *rendering, GPtrArray *files, ScPlanPackage *ret, GError **error);
/* The host's package system brought from one to the other; NULL: none. */
bool sc_plan_package(ScPlan *plan, const ScPackage *old, const ScPlanPackage *new, GError **error);
