/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/call.h"
#include "bus/command.h"
#include "bus/container.h"
#include "bus/image.h"
#include "bus/job.h"
#include "bus/manager.h"
#include "bus/mount.h"
#include "bus/plan.h"
#include "bus/policy.h"

/* Every method that changes something or shows a secret, the polkit action that guards it, and its options. */

static const char *const no_yes[] = {"no", "yes", NULL};
static const char *const no_now[] = {"no", "now", NULL};
static const char *const pull_when[] = {"missing", "always", "never", NULL};

/* With whose input and output a command runs. */
#define STREAMS                                                                                                  \
        {"terminal", SC_OPTION_FD}, {"stdin", SC_OPTION_FD}, {"stdout", SC_OPTION_FD}, {"stderr", SC_OPTION_FD}, \
        {                                                                                                        \
                "signals", SC_OPTION_FD                                                                          \
        }

/* Who the caller is for the registry. */
#define LOGINS                            \
        {"credentials", SC_OPTION_LOGIN}, \
        {                                 \
                "authfile", SC_OPTION_FD  \
        }

#define DISCONNECT                                                 \
        {                                                          \
                SC_OPTION_KEY_DISCONNECT, SC_OPTION_CHOICE, no_yes \
        }

static const ScOption common_options[] = {DISCONNECT, {0}};

static const ScOption login_options[] = {LOGINS, DISCONNECT, {0}};

static const char *const package_how[] = {"no", "auto", "build", "yes", NULL};

/* The file is that of a source that is one; what it is for is in manager.c. */
static const ScOption pull_options[] = {
        {"replace", SC_OPTION_CHOICE, no_yes},
        {"file", SC_OPTION_FD},
        {"name", SC_OPTION_IMAGE},
        {"file-name", SC_OPTION_IMAGE},
        LOGINS,
        DISCONNECT,
        {0},
};

static const ScOption install_options[] = {
        {"name", SC_OPTION_CONTAINER},
        {"values", SC_OPTION_VALUES},
        {"runtime", SC_OPTION_RUNTIME},
        {"rootfs", SC_OPTION_PATH},
        {"start", SC_OPTION_CHOICE, no_now},
        {"pull", SC_OPTION_CHOICE, pull_when},
        {"system-package", SC_OPTION_CHOICE, package_how},
        {"output", SC_OPTION_FD},
        LOGINS,
        STREAMS, /* of an image that is not installed but run once */
        DISCONNECT,
        {0},
};

static const ScOption run_options[] = {
        {"name", SC_OPTION_CONTAINER},
        {"values", SC_OPTION_VALUES},
        {"runtime", SC_OPTION_RUNTIME},
        {"pull", SC_OPTION_CHOICE, pull_when},
        LOGINS,
        STREAMS,
        DISCONNECT,
        {0},
};

static const ScOption update_options[] = {
        {"values", SC_OPTION_VALUES},
        {"unset-values", SC_OPTION_NAMES},
        {"image", SC_OPTION_IMAGE},
        {"pull", SC_OPTION_CHOICE, pull_when},
        {"health-timeout", SC_OPTION_SECONDS},
        LOGINS,
        DISCONNECT,
        {0},
};

static const ScOption rollback_options[] = {{"health-timeout", SC_OPTION_SECONDS}, DISCONNECT, {0}};

static const ScOption delete_options[] = {{"force", SC_OPTION_CHOICE, no_yes}, {"name", SC_OPTION_IMAGE}, DISCONNECT, {0}};

static const char *const ignore_ask[] = {"ignore", "ask", NULL};

static const ScOption verify_options[] = {
        {"repair", SC_OPTION_CHOICE, no_yes},
        {"newer", SC_OPTION_CHOICE, ignore_ask},
        {"name", SC_OPTION_IMAGE},
        LOGINS,
        DISCONNECT,
        {0},
};

static const ScOption tag_options[] = {{"replace", SC_OPTION_CHOICE, no_yes}, {"name", SC_OPTION_IMAGE}, DISCONNECT, {0}};

static const ScOption policy_options[] = {
        {"expected-digest", SC_OPTION_DIGEST}, {"lookaside-scope", SC_OPTION_LINE}, {"lookaside", SC_OPTION_LINE}, DISCONNECT, {0},
};

const ScVerb sc_verbs[] = {
        {SC_BUS_MANAGER, "Pull", "pull", "pull", SC_SUBJECT_ARGUMENT, pull_options, sc_bus_manager_plan_pull,
         sc_bus_manager_run_pull},
        {SC_BUS_MANAGER, "CheckLogin", "check-login", "pull", SC_SUBJECT_ARGUMENT, login_options, sc_bus_manager_plan_check_login,
         sc_bus_manager_run_check_login},
        {SC_BUS_MANAGER, "Install", "install", "install", SC_SUBJECT_ARGUMENT, install_options, sc_bus_manager_plan_install,
         sc_bus_manager_run_install},
        {SC_BUS_MANAGER, "Mount", "mount", "mount", SC_SUBJECT_ARGUMENTS, common_options, sc_bus_mount_plan, sc_bus_mount_run},
        {SC_BUS_MANAGER, "Unmount", "unmount", "mount", SC_SUBJECT_ARGUMENT, common_options, sc_bus_unmount_plan,
         sc_bus_unmount_run},
        {SC_BUS_MANAGER, "Plan", "plan", NULL, SC_SUBJECT_PLANNED, common_options, sc_bus_plan_plan, sc_bus_plan_run},
        {SC_BUS_MANAGER, "Run", "run", "run", SC_SUBJECT_COMMAND, run_options, sc_bus_command_plan, sc_bus_command_run},
        {SC_BUS_MANAGER, "Prune", "prune", "manage-images", SC_SUBJECT_NONE, common_options, NULL, sc_bus_manager_run_prune},
        {SC_BUS_MANAGER, "SetPolicy", "set-policy", "trust", SC_SUBJECT_TEXT, policy_options, NULL, sc_bus_policy_run_set},
        {SC_BUS_IMAGE, "Delete", "delete-image", "manage-images", SC_SUBJECT_OBJECT, delete_options, sc_bus_image_plan_delete,
         sc_bus_image_run_delete},
        {SC_BUS_IMAGE, "Verify", "verify", "manage-images", SC_SUBJECT_OBJECT, verify_options, sc_bus_image_plan_verify,
         sc_bus_image_run_verify},
        {SC_BUS_IMAGE, "Tag", "tag-image", "manage-images", SC_SUBJECT_OBJECT_AND_ARGUMENT, tag_options, sc_bus_image_plan_tag,
         sc_bus_image_run_tag},
        {SC_BUS_CONTAINER, "Update", "update", "update", SC_SUBJECT_OBJECT, update_options, sc_bus_container_plan_update,
         sc_bus_container_run},
        {SC_BUS_CONTAINER, "Rollback", "rollback", "rollback", SC_SUBJECT_OBJECT, rollback_options, sc_bus_container_plan,
         sc_bus_container_run},
        {SC_BUS_CONTAINER, "Uninstall", "uninstall", "uninstall", SC_SUBJECT_OBJECT, common_options, sc_bus_container_plan,
         sc_bus_container_run},
        {SC_BUS_CONTAINER, "Start", "start", "control", SC_SUBJECT_OBJECT, common_options, sc_bus_container_plan,
         sc_bus_container_run},
        {SC_BUS_CONTAINER, "Stop", "stop", "control", SC_SUBJECT_OBJECT, common_options, sc_bus_container_plan,
         sc_bus_container_run},
        {SC_BUS_CONTAINER, "Restart", "restart", "control", SC_SUBJECT_OBJECT, common_options, sc_bus_container_plan,
         sc_bus_container_run},
        {SC_BUS_CONTAINER, "GetValues", "inspect", "inspect", SC_SUBJECT_OBJECT, NULL, sc_bus_container_plan,
         sc_bus_container_run_get_values},
        {SC_BUS_JOB, "Cancel", "cancel", "cancel", SC_SUBJECT_OBJECT, common_options, sc_bus_job_plan_cancel,
         sc_bus_job_run_cancel},
        {0},
};
