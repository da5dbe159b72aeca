/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The `info` file of a deployment: what was installed, with which values. The keys are those of the atomic command, none removed;
 * sysconsd adds its own below "sysconsd". A file that lacks the newer ones is read as well as one that has them. It may hold
 * secrets: mode 0600. */

#include "base/atomicfile.h"
#include "base/json.h"

#define SC_INFO_MAX_SIZE (4u * 1024 * 1024)

typedef struct {
        /* the atomic command's keys */
        char *image;    /* name as installed, canonical */
        char *revision; /* of the image, hex: the manifest's digest, which the atomic command's last versions compare */
        char *image_id; /* NULL: written by somebody else, and it is the revision as far as is known */
        char *ostree_commit;
        gint64 created;     /* seconds since the epoch */
        GHashTable *values; /* all that the templates saw */
        bool has_service;
        GHashTable *installed_files; /* destination on the host -> sha256 hex (of a symlink's target; "" for folders) */
        char **rendered_files;       /* installed-files-template */
        GHashTable *renamed_files;   /* rename-installed-files */
        char *rpm_installed;         /* name of a system package's file beside rootfs; NULL: none */
        char *system_package;        /* "yes", "no"; "build": of a package that holds the whole container; NULL in old files */
        char *remote;                /* path of a remote rootfs' parent, NULL: none */
        bool use_links;
        char *runtime;
        /* ours */
        char *deployment_id;    /* random, tells two deployments in one slot apart; NULL in old files */
        GHashTable *set_values; /* what the user set; NULL in old files: unknown, all of `values` count as set */
        char *command;          /* process.args, for lists; NULL: unknown */
        char **ports;           /* "2379/tcp"; NULL: unknown */
        char **health_command;  /* run in the container it tells by its exit status whether it is well; NULL: none */
        bool enabled;           /* the unit has no [Install], and one that has is to be enabled: the one before it was */
        char **package_files;   /* what the system package holds, destinations on the host; NULL: unknown */
        char *bad_image;        /* id of an image whose update failed the health verdict here; NULL: none */
        JsonObject *unknown;    /* members that are not ours, written back as they were */
} ScInfo;

ScInfo *sc_info_new(void);
void sc_info_free(ScInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScInfo, sc_info_free)

ScInfo *sc_info_parse(const char *text, gsize size, const char *what, GError **error);
char *sc_info_to_text(const ScInfo *info);

/* The file "info" in a deployment's folder. */
ScInfo *sc_info_read(int deployment_fd, const char *what, GError **error);
bool sc_info_write(int deployment_fd, const ScInfo *info, ScWriteFlags flags, GError **error);
/* What the image is called here, hex; NULL: it is not known. */
const char *sc_info_image_id(const ScInfo *info);
