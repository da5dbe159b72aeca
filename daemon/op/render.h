/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a deployment is to be, made of an image in the repository: its tree merged in memory, its templates rendered and checked.
 * Nothing is written: what installs, what only shows what would be installed, and what makes a bundle for one run start from here.
 */

#include "op.h"
#include "store/image.h"
#include "store/info.h"
#include "store/merge.h"
#include "store/repository.h"
#include "unit/exports.h"
#include "unit/variables.h"

typedef struct {
        const char *container;
        int slot;
        const char *image_name; /* canonical, for the info file */
        const ScImage *image;
        GHashTable *set;          /* what the user set; never NULL */
        const char *uuid;         /* kept over updates; NULL: a new one */
        const char *runtime;      /* as configured or given: name or path */
        const char *remote;       /* folder that holds another container's rootfs; NULL: an own checkout */
        const ScInfo *old;        /* the live deployment: its host files are ours to replace; NULL: none */
        GPtrArray *old_files;     /* ScHostFile, those host files; NULL: as its info records them */
        const char *old_tmpfiles; /* its tmpfiles.d lines, or those of containers uninstalled in this boot: what they make is there
                                     because of them; NULL: none */
        const char *system_package; /* of its host files: "auto", "yes" or "no"; NULL: no */
        const char *destination;    /* absolute path where it is to lie; NULL: in its slot */
} ScBuildInput;

typedef struct {
        const ScBuildInput *input; /* not owned */
        ScTree *tree;              /* NULL: remote */
        int remote_rootfs;         /* -1: none */
        ScExports *exports;
        ScVariables *variables;
        char *runtime; /* absolute path; where none is needed and there is none, as it was asked for */
        char *config;  /* config.json; NULL: nothing starts a runtime here */
        char *unit;    /* NULL: no service */
        char *tmpfiles;
        char *destination; /* CHECKOUT/NAME.N, or the input's */
} ScRendering;

/* The repository must be locked (shared) as long as the tree is used. scratch_fd: an empty private folder, in which the runtime may
 * write its default configuration. The input must outlive the result. */
ScRendering *sc_render(ScOpContext *context, ScRepository *repository, int scratch_fd, const ScBuildInput *input, GError **error);
/* Whether what the image brings for the host is installed: that is root's, and not for the container of a user. */
bool sc_rendering_has_host_files(const ScRendering *rendering);
/* A sentence about values that were set and that nothing asked for, when all of it has been rendered, also for the host; newly
 * allocated. NULL: there are none. */
char *sc_rendering_unused_values(const ScRendering *rendering);
void sc_rendering_free(ScRendering *rendering);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScRendering, sc_rendering_free)
