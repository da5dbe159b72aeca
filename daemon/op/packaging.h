/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The system package of a deployment that is being built: of its host files, or (to be installed as a preinstalled container
 * anywhere) of all of it. */

#include "render.h"
#include "unit/package.h"

typedef struct {
        ScOpContext *context;
        const ScRendering *rendering;
        ScSystemd *systemd;
        int folder_fd;      /* of the deployment that is being built */
        const char *folder; /* its absolute path */
        int hostfs_fd;      /* -1: the image has no host files */
        GPtrArray *files;   /* ScHostFile, all that hostfs wants on the host */
} ScPackaging;

/* Which kind of package the host files come in, by the wish ("auto", "yes", "no"; "auto" is "no" where the image gives no reason
 * for a package, or the host no way to make one). */
bool sc_packaging_choose(const ScConfig *config, const char *wish, const ScExports *exports, bool has_host_files,
                         ScPackageSystem *ret, GError **error);

/* What the package of the host files says of itself. */
ScPackageFacts *sc_packaging_facts(const ScRendering *rendering, ScPackageSystem system, const char *id, GError **error);

/* Makes the package beside rootfs, and records it in info. */
bool sc_packaging_host_files(const ScPackaging *packaging, ScPackageSystem system, ScInfo *info, GError **error);

/* The folder that is packed, and in it the one that becomes the container; to be filled by the caller. -1 on error. */
int sc_packaging_open_container(const ScPackaging *packaging, GError **error);
/* Makes the package PACKAGE beside it; *ret_name is what its file is to be called. */
bool sc_packaging_container(const ScPackaging *packaging, ScPackageSystem system, const ScInfo *info, char **ret_name,
                            GError **error);
