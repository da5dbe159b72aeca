/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job/sandbox.h"
#include "base/containers-conf.h"
#include "base/error.h"
#include "base/home.h"
#include "base/source.h"
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

/* What is left, as `systemd-analyze security` counts it (docs/reliability.md has the figures), and why:
 *
 * User=, DynamicUser=, SupplementaryGroups=, PrivateUsers=: what is made belongs to the users that an image says, and systemd and
 * the repository are root's. What root may is cut to the capabilities of the operation's row.
 * CAP_CHOWN, CAP_FOWNER, CAP_FSETID, CAP_SETFCAP, CAP_DAC_*, RestrictSUIDSGID=: see CAPS_FILES; an image's set-id bits are kept.
 * CAP_MKNOD, CAP_MAC_ADMIN: see CAPS_HOST.
 * RestrictAddressFamilies=~AF_UNIX: systemd is asked, and the daemon told. ~AF_INET, PrivateNetwork=: what fetches, and nothing
 * else, has the network.
 * IPAddressDeny=: who fetches goes to whatever registry is named; who does not has neither addresses nor a socket for them.
 * UMask=: a container's folders are for its users to read; what holds secrets is made with a mode of its own.
 * ProcSubset=: the kernel's settings are read (capabilities, boot id). RootDirectory=: the repository lies where it lies.
 * SystemCallFilter=~@resources, ~@privileged of what has capabilities: gpg ends without setrlimit; chown is privileged.
 *
 * Of what changes the host besides:
 * ProtectSystem=, PrivateTmp=, ProtectKernelModules=: an image's files for the host, and its lines of tmpfiles.d, may mean any
 * place of it, also kernel modules. Homes are hidden from those that run for a caller (ProtectHome=, see sc_sandbox_hides_homes()).
 * ProtectKernelTunables=, PrivateDevices=, ProtectClock= (which is a list of devices; the clock's system calls are not in the
 * filter): lines of tmpfiles.d write to /sys and /proc/sys, and make devices.
 * ProtectProc=: PID 1's capabilities say what a container can have.
 * systemd is told to start services: no sandbox keeps such a worker from becoming root in another unit. It keeps mistakes, and half
 * an exploit, inside. */

#define CAP(x) (UINT64_C(1) << (x))

/* To make files as an image says: owners, modes, security.capability; other users' files can be hardlinked only with CAP_FOWNER. */
#define CAPS_FILES (CAP(CAP_CHOWN) | CAP(CAP_DAC_OVERRIDE) | CAP(CAP_FOWNER) | CAP(CAP_FSETID) | CAP(CAP_SETFCAP))
#define CAPS_LOOK CAP(CAP_DAC_READ_SEARCH)
/* systemd-tmpfiles makes device nodes, too; labels of an SELinux policy that the host does not know need CAP_MAC_ADMIN. */
#define CAPS_HOST (CAPS_FILES | CAP(CAP_DAC_READ_SEARCH) | CAP(CAP_MKNOD) | CAP(CAP_MAC_ADMIN))

/* Where it may write. Each ReadWritePaths= is a mount of its own, and a hardlink from one to the other is EXDEV. */
typedef enum {
        REACH_REPOSITORY, /* the checkout path and the repository, nothing else of the host is even visible where that is possible
                           */
        REACH_SETTINGS,   /* the folder of the settings that containers tools share */
        REACH_LOOK,       /* all of the host but homes and the folders of temporary files, and nothing of it can be changed */
        REACH_HOST,       /* all of the host, as it is: no mounts between a hardlink's two ends, nothing private */
} Reach;

typedef enum { NETWORK_NONE, NETWORK_ALL } Network;

/* What keeps all processors busy, for as long as images are large, gives way to the services that the host is there for, and to the
 * bus and the daemon, who have to answer meanwhile. The weight (100 is anybody's) is what counts between control groups; the nice
 * value where the processor's controller is not enabled. */
#define NICE 10
#define CPU_WEIGHT 20

typedef enum {
        NO_TRAITS = 0,
        FOR_HOMES = 1 << 0, /* what an image wants may lie in a home */
        GIVES_WAY = 1 << 1, /* to others who want a processor */
} Traits;

typedef struct {
        const char *name;
        Reach reach;
        Network network;
        guint64 capabilities;
        unsigned stop_seconds; /* from SIGTERM to SIGKILL: time to undo what was done */
        Traits traits;
        bool opens_sysroot; /* by the host, not by the table: see sysroot.h */
} Sandbox;

/* By the names of sc_sandbox_name(). */
static const Sandbox sandboxes[] = {
        {"pull", REACH_REPOSITORY, NETWORK_ALL, CAPS_FILES, 30, GIVES_WAY},
        {"pull-here", REACH_REPOSITORY, NETWORK_NONE, CAPS_FILES, 30, GIVES_WAY},
        {"check-login", REACH_REPOSITORY, NETWORK_ALL, 0, 30, NO_TRAITS},
        {"plan", REACH_LOOK, NETWORK_ALL, CAPS_LOOK, 30, FOR_HOMES},
        {"plan-here", REACH_LOOK, NETWORK_NONE, CAPS_LOOK, 30, FOR_HOMES},
        {"set-policy", REACH_SETTINGS, NETWORK_NONE, CAP(CAP_DAC_OVERRIDE), 30, NO_TRAITS},
        {"prune", REACH_REPOSITORY, NETWORK_NONE, CAPS_FILES, 30, GIVES_WAY},
        {"delete-image", REACH_REPOSITORY, NETWORK_NONE, CAPS_FILES, 30, NO_TRAITS},
        {"describe", REACH_REPOSITORY, NETWORK_NONE, CAPS_FILES, 30, GIVES_WAY},
        {"tag-image", REACH_REPOSITORY, NETWORK_NONE, CAPS_FILES, 30, NO_TRAITS},
        {"verify", REACH_REPOSITORY, NETWORK_NONE, CAPS_FILES, 30, GIVES_WAY},
        {"verify-online", REACH_REPOSITORY, NETWORK_ALL, CAPS_FILES, 30, GIVES_WAY},
        {"mount", REACH_HOST, NETWORK_NONE, CAPS_FILES, 30, NO_TRAITS},
        {"unmount", REACH_HOST, NETWORK_NONE, CAPS_FILES, 30, NO_TRAITS},
        {"run", REACH_REPOSITORY, NETWORK_NONE, CAPS_FILES, 30, FOR_HOMES},
        {"start", REACH_REPOSITORY, NETWORK_NONE, 0, 30, NO_TRAITS},
        {"stop", REACH_REPOSITORY, NETWORK_NONE, 0, 30, NO_TRAITS},
        {"restart", REACH_REPOSITORY, NETWORK_NONE, 0, 30, NO_TRAITS},
        {"install", REACH_HOST, NETWORK_NONE, CAPS_HOST, 90, FOR_HOMES},
        {"update", REACH_HOST, NETWORK_NONE, CAPS_HOST, 90, FOR_HOMES},
        {"rollback", REACH_HOST, NETWORK_NONE, CAPS_HOST, 90, FOR_HOMES},
        {"uninstall", REACH_HOST, NETWORK_NONE, CAPS_HOST, 90, FOR_HOMES},
        {"recover", REACH_HOST, NETWORK_NONE, CAPS_HOST, 90, NO_TRAITS},
};

static const char *const families_local[] = {"AF_UNIX", NULL};
static const char *const families_network[] = {"AF_UNIX", "AF_INET", "AF_INET6", NULL};
static const char *const calls[] = {"@system-service", NULL};
static const char *const calls_to_mount[] = {"@system-service", "mount", NULL};
static const char *const calls_of_nobody[] = {"@keyring", NULL};
static const char *const calls_of_privilege[] = {"@keyring", "@privileged", "@resources", NULL};
#define CAPS_SYSROOT (CAP(CAP_SYS_ADMIN) | CAP(CAP_SETPCAP))
/* The leak sanitizer stops the other threads with ptrace, and under a sandbox it hangs now and then: leaks are looked for in
 * workers that are run by hand. */
#ifdef SC_SANITIZERS
static const char *const environment[] = {"ASAN_OPTIONS=detect_leaks=0", NULL};
#else
static const char *const environment[] = {NULL};
#endif

static int append_list(sd_bus_message *m, const char *property, const char *const *words)
{
        int r;
        if ((r = sd_bus_message_open_container(m, 'r', "sv")) < 0 || (r = sd_bus_message_append(m, "s", property)) < 0 ||
            (r = sd_bus_message_open_container(m, 'v', "as")) < 0 || (r = sd_bus_message_append_strv(m, (char **)words)) < 0 ||
            (r = sd_bus_message_close_container(m)) < 0)
                return r;
        return sd_bus_message_close_container(m);
}

/* A list of what is allowed, and nothing else; or, behind such a list, of what of it is not. */
static int append_filter(sd_bus_message *m, const char *property, bool allowed, const char *const *words)
{
        int r;
        if ((r = sd_bus_message_open_container(m, 'r', "sv")) < 0 || (r = sd_bus_message_append(m, "s", property)) < 0 ||
            (r = sd_bus_message_open_container(m, 'v', "(bas)")) < 0 || (r = sd_bus_message_open_container(m, 'r', "bas")) < 0 ||
            (r = sd_bus_message_append(m, "b", allowed)) < 0 || (r = sd_bus_message_append_strv(m, (char **)words)) < 0 ||
            (r = sd_bus_message_close_container(m)) < 0 || (r = sd_bus_message_close_container(m)) < 0)
                return r;
        return sd_bus_message_close_container(m);
}

static int append_calls(sd_bus_message *m, const Sandbox *sandbox)
{
        static const char name[] = "SystemCallFilter";
        int r = append_filter(m, name, true, sandbox->opens_sysroot ? calls_to_mount : calls);
        if (r < 0)
                return r;
        return append_filter(m, name, false, sandbox->capabilities == 0 ? calls_of_privilege : calls_of_nobody);
}

/* What seccomp does, for which nobody needs a privilege. */
static int append_common(sd_bus_message *m, const Sandbox *sandbox)
{
        int r;
        if ((r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "NoNewPrivileges", "b", 1, "MemoryDenyWriteExecute",
                                       "b", 1, "RestrictNamespaces", "t",
                                       sandbox->opens_sysroot ? (uint64_t)CLONE_NEWNS : UINT64_C(0), "LockPersonality", "b", 1,
                                       "RestrictRealtime", "b", 1, "SystemCallErrorNumber", "i", EPERM, "UMask", "u", (uint32_t)022,
                                       "KeyringMode", "s", "private")) < 0 ||
            (r = append_calls(m, sandbox)) < 0 || (r = append_list(m, "Environment", environment)) < 0 ||
            (r = append_list(m, "SystemCallArchitectures", (const char *const[]){"native", NULL})) < 0)
                return r;
        return append_filter(m, "RestrictAddressFamilies", true,
                             sandbox->network == NETWORK_ALL ? families_network : families_local);
}

/* A user's manager that has a worse priority itself could not set this one. */
static int append_priority(sd_bus_message *m, const Sandbox *sandbox)
{
        return (sandbox->traits & GIVES_WAY) != 0
                       ? sd_bus_message_append(m, "(sv)(sv)", "Nice", "i", NICE, "CPUWeight", "t", (uint64_t)CPU_WEIGHT)
                       : 0;
}

static int append_privileges(sd_bus_message *m, const Sandbox *sandbox)
{
        return sd_bus_message_append(m, "(sv)(sv)(sv)", "CapabilityBoundingSet", "t",
                                     sandbox->capabilities | (sandbox->opens_sysroot ? CAPS_SYSROOT : 0), "ProtectHostname", "b", 1,
                                     "PrivateNetwork", "b", sandbox->network == NETWORK_NONE);
}

/* A path that is not there yet can only be made by somebody who may write to what is there of it. */
static char *existing_part(const char *path)
{
        g_autofree char *part = g_strdup(path);
        while (strcmp(part, "/") != 0 && access(part, F_OK) < 0) {
                char *parent = g_path_get_dirname(part);
                g_free(part);
                part = parent;
        }
        return g_steal_pointer(&part);
}

static int append_kernel_reach(sd_bus_message *m)
{
        return sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "PrivateTmp", "b", 1, "PrivateDevices", "b", 1,
                                     "ProtectKernelTunables", "b", 1, "ProtectKernelModules", "b", 1, "ProtectKernelLogs", "b", 1,
                                     "ProtectControlGroups", "b", 1, "ProtectClock", "b", 1, "ProtectProc", "s", "invisible");
}

/* No mounts but where nothing is linked, moved, or written to by a line of tmpfiles.d. */
static int append_host_reach(sd_bus_message *m, const char *protect_home)
{
        return sd_bus_message_append(m, "(sv)(sv)(sv)", "ProtectHome", "s", protect_home, "ProtectKernelLogs", "b", 1,
                                     "ProtectControlGroups", "b", 1);
}

static int append_look_reach(sd_bus_message *m, const char *protect_home)
{
        int r = append_kernel_reach(m);
        return r < 0 ? r : sd_bus_message_append(m, "(sv)(sv)", "ProtectSystem", "s", "strict", "ProtectHome", "s", protect_home);
}

/* A repository elsewhere (/ostree/repo) must stay on one mount with the checkout path, or it could not be told that hardlinks work
 * between them. */
static bool lies_inside(const ScConfig *config, const char *repository)
{
        g_autofree char *inside = g_strconcat(config->checkout_path, "/", NULL);
        const char *place = repository != NULL ? repository : config->repository;
        return place != NULL ? g_str_has_prefix(place, inside) : access("/ostree/repo", F_OK) < 0;
}

bool sc_sandbox_is_settled(const ScConfig *config, const char *repository)
{
        return config->repository != NULL || access("/ostree/repo", F_OK) < 0 ||
               (repository != NULL && lies_inside(config, repository));
}

static char *settings_folder(const ScConfig *config)
{
        g_autofree char *folder = sc_containers_own_folder(config->scope);
        return existing_part(folder);
}

static int append_settings_reach(sd_bus_message *m, const ScConfig *config)
{
        int r = append_kernel_reach(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)", "ProtectSystem", "s", "strict", "ProtectHome", "s", "yes");
        g_autofree char *writable = settings_folder(config);
        return r < 0 ? r : append_list(m, "ReadWritePaths", (const char *const[]){writable, NULL});
}

static int append_repository_reach(sd_bus_message *m, const ScConfig *config, const char *repository, const char *protect_home)
{
        int r = append_kernel_reach(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)", "ProtectHome", "s", protect_home);
        if (r < 0)
                return r;
        if (!lies_inside(config, repository))
                return sd_bus_message_append(m, "(sv)", "ProtectSystem", "s", "full");
        g_autofree char *writable = existing_part(config->checkout_path);
        r = sd_bus_message_append(m, "(sv)", "ProtectSystem", "s", "strict");
        return r < 0 ? r : append_list(m, "ReadWritePaths", (const char *const[]){writable, NULL});
}

/* A user's manager can only unshare what a user namespace gives: where that is wanted, the worker is in one in which nobody but the
 * user exists. systemd is asked in his runtime directory, his settings are in his home: that can be read. What changes the host
 * cannot live so (systemd-tmpfiles trusts no path below a folder of "nobody"): it has what is done by seccomp. */
static int append_user_reach(sd_bus_message *m, const Sandbox *sandbox, const ScConfig *config, const char *repository)
{
        if (sandbox->reach == REACH_HOST)
                return 0;
        int r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)", "PrivateUsers", "b", 1, "PrivateTmp", "b", 1, "ProtectControlGroups",
                                      "b", 1, "PrivateNetwork", "b", sandbox->network == NETWORK_NONE);
        if (r >= 0 && sandbox->reach == REACH_REPOSITORY && !lies_inside(config, repository))
                return sd_bus_message_append(m, "(sv)", "ProtectSystem", "s", "full");
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)", "ProtectSystem", "s", "strict", "ProtectHome", "s", "read-only");
        g_autofree char *writable = sandbox->reach == REACH_SETTINGS ? settings_folder(config)
                                                                     : existing_part(config->checkout_path);
        return r < 0 || sandbox->reach == REACH_LOOK ? r : append_list(m, "ReadWritePaths", (const char *const[]){writable, NULL});
}

static bool hides_homes(const Sandbox *sandbox, const ScConfig *config, const char *repository)
{
        const char *place = repository != NULL ? repository : config->repository;
        return (sandbox->traits & FOR_HOMES) != 0 && config->scope->kind == SC_SCOPE_SYSTEM && !config->files_in_homes &&
               !sc_home_has(config->checkout_path) && (place == NULL || !sc_home_has(place)) &&
               !(g_path_is_absolute(config->runtime) && sc_home_has(config->runtime));
}

static int append_reach(sd_bus_message *m, const Sandbox *sandbox, const ScConfig *config, const char *repository)
{
        bool hidden = hides_homes(sandbox, config, repository);
        switch (sandbox->reach) {
        case REACH_REPOSITORY:
                return append_repository_reach(m, config, repository,
                                               hidden || (sandbox->traits & FOR_HOMES) == 0 ? "yes" : "read-only");
        case REACH_SETTINGS:
                return append_settings_reach(m, config);
        case REACH_LOOK:
                return append_look_reach(m, hidden ? "yes" : "read-only");
        case REACH_HOST:
                return append_host_reach(m, hidden ? "yes" : "no");
        }
        g_assert_not_reached();
}

static int append_sandbox(sd_bus_message *m, const Sandbox *sandbox, const ScConfig *config, const char *repository)
{
        int r = sd_bus_message_append(m, "(sv)", "TimeoutStopUSec", "t", (uint64_t)sandbox->stop_seconds * G_USEC_PER_SEC);
        if (r >= 0)
                r = append_common(m, sandbox);
        if (r < 0 || config->scope->kind == SC_SCOPE_USER)
                return r < 0 ? r : append_user_reach(m, sandbox, config, repository);
        if ((r = append_priority(m, sandbox)) >= 0)
                r = append_privileges(m, sandbox);
        return r < 0 ? r : append_reach(m, sandbox, config, repository);
}

/* What the job's present stage fetches, [SOURCE:]NAME; NULL: nothing. */
static const char *fetched_by(const ScJob *job)
{
        const char *operation = sc_job_stage_operation(job);
        if (strcmp(operation, "plan") != 0)
                return sc_job_stage_subject(job);
        const char *planned = json_object_get_string_member_with_default(job->options, "operation", "");
        const char *subject = strcmp(planned, "pull") == 0 ? job->subject : NULL;
        return json_object_get_string_member_with_default(job->options, "fetch", subject);
}

const char *sc_sandbox_name(const ScJob *job)
{
        static const char *const local[][2] = {{"pull", "pull-here"}, {"plan", "plan-here"}};
        const char *operation = sc_job_stage_operation(job), *rest;
        for (unsigned i = 0; i < G_N_ELEMENTS(local); i++) {
                if (strcmp(operation, local[i][0]) != 0)
                        continue;
                const char *fetched = fetched_by(job);
                const ScSourceFacts *facts = fetched != NULL ? sc_source_find(fetched, &rest, NULL) : NULL;
                bool needs_network = fetched != NULL && (facts == NULL || sc_source_is_registry(facts->source));
                return needs_network ? operation : local[i][1];
        }
        return operation;
}

static const Sandbox *find_sandbox(const char *name)
{
        for (unsigned i = 0; i < G_N_ELEMENTS(sandboxes); i++)
                if (strcmp(sandboxes[i].name, name) == 0)
                        return &sandboxes[i];
        return NULL;
}

bool sc_sandbox_opens_sysroot(const char *name, const ScConfig *config, const char *repository)
{
        const Sandbox *sandbox = find_sandbox(name);
        return sandbox != NULL && (sandbox->capabilities & CAPS_FILES) == CAPS_FILES && config->scope->kind == SC_SCOPE_SYSTEM &&
               access("/run/ostree-booted", F_OK) == 0 && !lies_inside(config, repository);
}

bool sc_sandbox_hides_homes(const char *name, const ScConfig *config, const char *repository)
{
        const Sandbox *sandbox = find_sandbox(name);
        return sandbox != NULL && hides_homes(sandbox, config, repository);
}

bool sc_sandbox_has_network(const char *name)
{
        const Sandbox *sandbox = find_sandbox(name);
        return sandbox != NULL && sandbox->network == NETWORK_ALL;
}

bool sc_sandbox_append(sd_bus_message *message, const char *name, const ScConfig *config, const char *repository, GError **error)
{
        const Sandbox *found = find_sandbox(name);
        if (found == NULL)
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "There is no sandbox %s", name);
        Sandbox sandbox = *found;
        sandbox.opens_sysroot = sc_sandbox_opens_sysroot(name, config, repository);
        int r = append_sandbox(message, &sandbox, config, repository);
        if (r < 0) {
                errno = -r;
                return sc_throw_errno(error, "Cannot describe the worker's unit");
        }
        return true;
}
