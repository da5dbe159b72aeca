/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atomic-grammar.h"
#include "atomic.h"
#include "options.h"
#include "verbs.h"

static const ScAtomicOption pull_options[] = {
        {"type", 't', SC_ATOMIC_REFUSE, "TYPE", NULL, "--type is not supported: every registry is asked by the same protocol"},
        {"src-creds", 0, SC_ATOMIC_PASS, "USER[:PASSWORD]",
         "Your login for the registry; without the password, which everybody could read here, it is asked for", "creds"},
        {"authfile", 0, SC_ATOMIC_PASS, "FILE", "The file with your logins, instead of the usual places", NULL},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

static const ScAtomicOption install_options[] = {
        {"name", 'n', SC_ATOMIC_PASS, "NAME", "Name of the container; else the last part of the image's", NULL},
        {"set", 0, SC_ATOMIC_PASS, "NAME=VALUE", "Set a variable of the image's templates (may be repeated)", NULL},
        {"rootfs", 0, SC_ATOMIC_PASS, "PATH", "Use the root file system below this folder of the host", NULL},
        {"runtime", 0, SC_ATOMIC_PASS, "PATH", "The OCI runtime that runs it", NULL},
        {"display", 0, SC_ATOMIC_PASS, NULL, "Show what would be done, and do nothing", NULL},
        {"system-package", 0, SC_ATOMIC_PASS, "auto|build|no|yes",
         "Whether its files on the host come in a system package; build: only make one of the whole container", NULL},
        {"system", 0, SC_ATOMIC_DROP, NULL, "What is installed is a system container in any case", NULL},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

static const ScAtomicOption info_options[] = {
        {"remote", 0, SC_ATOMIC_REFUSE, NULL, NULL,
         "The --remote option cannot be used with the 'ostree' storage option: use `skopeo inspect`"},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

static const ScAtomicOption uninstall_options[] = {
        {"force", 'f', SC_ATOMIC_DROP, NULL, "An uninstall never holds back", NULL},
        {"display", 0, SC_ATOMIC_PASS, NULL, "Show what would be done, and do nothing", NULL},
        {"name", 'n', SC_ATOMIC_REFUSE, "NAME", NULL, "--name is not supported here: name the container as the argument"},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

static const ScAtomicOption stop_options[] = {
        {"display", 0, SC_ATOMIC_REFUSE, NULL, NULL, "--display is for `atomic install` and `atomic uninstall`"},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

static const ScAtomicOption run_options[] = {
        {"name", 'n', SC_ATOMIC_PASS, "NAME", "Of an image: the container's name; else the last part of the image's", NULL},
        {"set", 0, SC_ATOMIC_PASS, "NAME=VALUE", "Of an image: set a variable of its templates (may be repeated)", NULL},
        {"runtime", 0, SC_ATOMIC_PASS, "PATH", "The OCI runtime that runs it", NULL},
        {"quiet", 'q', SC_ATOMIC_PASS, NULL, "No messages but errors", NULL},
        {"detach", 'd', SC_ATOMIC_REFUSE, NULL, NULL, "--detach is not supported: a container without a command is a service"},
        {"spc", 0, SC_ATOMIC_REFUSE, NULL, NULL, "--spc is not supported: what a system container may do is said by its image"},
        {"display", 0, SC_ATOMIC_REFUSE, NULL, NULL, "--display is for `atomic install` and `atomic uninstall`"},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

static const ScAtomicOption list_options[] = {
        {"all", 'a', SC_ATOMIC_PASS, NULL, "All containers; images: layers, too", NULL},
        {"filter", 'f', SC_ATOMIC_PASS, "VARIABLE=VALUE", "Only those of which this column contains that (may be repeated)", NULL},
        {"noheading", 'n', SC_ATOMIC_PASS, NULL, "Without the line of titles", "no-heading"},
        {"no-trunc", 0, SC_ATOMIC_PASS, NULL, "Cut nothing, show ids in full", NULL},
        {"quiet", 'q', SC_ATOMIC_PASS, NULL, "Print ids only", NULL},
        {"json", 0, SC_ATOMIC_PASS, NULL, "Print JSON", NULL},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

static const ScAtomicOption update_options[] = {
        {"all", 'a', SC_ATOMIC_PASS, NULL, "Every container but those that came with the host", NULL},
        {"set", 0, SC_ATOMIC_PASS, "NAME=VALUE", "Give a variable another value (may be repeated)", NULL},
        {"rebase", 0, SC_ATOMIC_PASS, "IMAGE", "Go over to another image", NULL},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

static const ScAtomicOption containers_delete_options[] = {
        {"all", 'a', SC_ATOMIC_PASS, NULL, "All containers", NULL},
        {"force", 'f', SC_ATOMIC_DROP, NULL, "Running ones are stopped in any case", NULL},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

static const ScAtomicOption mount_options[] = {
        {"live", 0, SC_ATOMIC_REFUSE, NULL, NULL, "Containers and images managed through OSTree do not support --live."},
        {"options", 'o', SC_ATOMIC_REFUSE, "OPTIONS", NULL,
         "--options is not supported: a mount is always read-only, nosuid and nodev"},
        {"shared", 0, SC_ATOMIC_DROP, NULL, "Means nothing: the files have the labels that they have", NULL},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

static const ScAtomicOption images_delete_options[] = {
        {"all", 'a', SC_ATOMIC_PASS, NULL, "All images", NULL},
        {"force", 'f', SC_ATOMIC_PASS, NULL, "Also an image that a container is made of", NULL},
        {"remote", 0, SC_ATOMIC_REFUSE, NULL, NULL, "--remote is not supported: use `skopeo delete`"},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

static const ScAtomicOption images_verify_options[] = {
        {"all", 'a', SC_ATOMIC_PASS, NULL, "All images", NULL},
        {"verbose", 'v', SC_ATOMIC_DROP, NULL, "What was changed is named in any case", NULL},
        {"no-validate", 0, SC_ATOMIC_REFUSE, NULL, NULL,
         "--no-validate is not supported: `atomic images update` asks for a newer image, too"},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

static const ScAtomicOption images_update_options[] = {
        {"all", 'a', SC_ATOMIC_PASS, NULL, "All images", NULL},
        {"force", 'f', SC_ATOMIC_REFUSE, NULL, NULL,
         "--force is not supported: containers are not removed for their image's sake; use `atomic containers update`"},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

static const ScAtomicOption images_version_options[] = {
        {"recurse", 'r', SC_ATOMIC_DROP, NULL, "Layers have no version of their own", NULL},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

static const ScAtomicOption trust_show_options[] = {
        {"json", 'j', SC_ATOMIC_PASS, NULL, "Print the policy itself", NULL},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

#define SIGSTORE_TYPE                                                                        \
        {                                                                                    \
                "sigstoretype", 0, SC_ATOMIC_PASS, "web|local|atomic", "Kind of store", NULL \
        }

static const ScAtomicOption trust_add_options[] = {
        {"pubkeys", 'k', SC_ATOMIC_PASS, "FILE", "Public keys, at a place where they stay (may be repeated)", NULL},
        SIGSTORE_TYPE,
        {"type", 't', SC_ATOMIC_PASS, "TYPE", "signedBy, insecureAcceptAnything or reject", NULL},
        {"keytype", 0, SC_ATOMIC_PASS, "TYPE", "GPGKeys is the only one", NULL},
        {"sigstore", 's', SC_ATOMIC_PASS, "URL", "Where signatures lie", NULL},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

static const ScAtomicOption trust_delete_options[] = {
        SIGSTORE_TYPE,
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

#define NOT_HERE(words, instead)                                      \
        {                                                             \
                words, "", "", NULL, NULL, 0, 0, false, NULL, instead \
        }

/* Verbs with two names. */
#define IMAGES_VERIFY(words)                                                                                                \
        {                                                                                                                   \
                words, "IMAGE|--all", "Hash the files of an image again, and ask for a newer one",                          \
                        "A damaged image is repaired by `sysconsctl verify --repair`.", images_verify_options, 0, 1, false, \
                        sc_atomic_images_verify, NULL                                                                       \
        }
#define IMAGES_UPDATE(words)                                                                                                  \
        {                                                                                                                     \
                words, "IMAGE|--all", "Fetch the newest image of a name",                                                     \
                        "Containers stay with theirs: `atomic containers update` updates them.", images_update_options, 0, 1, \
                        false, sc_atomic_images_update, NULL                                                                  \
        }
#define IMAGES_VERSION(words)                                                                                   \
        {                                                                                                       \
                words, "IMAGE", "Names, version and id of an image", NULL, images_version_options, 1, 1, false, \
                        sc_atomic_images_version, NULL                                                          \
        }

static const ScAtomicVerb verbs[] = {
        {"pull", "[SOURCE:]IMAGE", "Fetch an image into the repository", NULL, pull_options, 1, 1, false, sc_verb_pull, NULL},
        {"install", "IMAGE", "Make a container of an image, and enable its unit", "It is not started: `atomic run NAME` does.",
         install_options, 1, 1, false, sc_atomic_install, NULL},
        {"uninstall", "NAME", "Stop a container and remove it", NULL, uninstall_options, 1, 1, false, sc_verb_uninstall, NULL},
        {"run", "NAME|IMAGE [COMMAND...]", "Start a container, or run a command in it, or in one made of an image for it",
         "An image without a container, and without a command, is installed and started, unless it says atomic.run=once. The exit "
         "code is the command's.",
         run_options, 1, SC_ARGUMENTS_ANY, true, sc_atomic_run_verb, NULL},
        {"stop", "NAME", "Stop a container", NULL, stop_options, 1, 1, false, sc_verb_stop, NULL},
        {"containers list", "", "List the running containers",
         "VARIABLE is container, image, command, created, status, runtime or backend.", list_options, 0, 0, false,
         sc_atomic_containers_list, NULL},
        {"containers update", "NAME|--all", "Bring a container to the newest version of its image",
         "A container whose new version does not come up goes back to the old one by itself.", update_options, 0, 1, false,
         sc_atomic_containers_update, NULL},
        {"containers rollback", "NAME", "Go back to the previous version", "A second rollback goes forward again.", NULL, 1, 1,
         false, sc_atomic_containers_rollback, NULL},
        {"containers delete", "NAME...|--all", "Remove containers, after a question", NULL, containers_delete_options, 0,
         SC_ARGUMENTS_ANY, false, sc_atomic_containers_delete, NULL},
        NOT_HERE("containers trim",
                 "root file systems are folders here, without a block device of their own; use fstrim on the host's"),
        {"images list", "", "List the images",
         "VARIABLE is repo, tag, image, created, size, type or dangling. Marks: > an image that a container is made of, * a "
         "dangling "
         "one.",
         list_options, 0, 0, false, sc_atomic_images_list, NULL},
        {"images info", "IMAGE", "Labels of an image, and variables of its templates", NULL, info_options, 1, 1, false,
         sc_verb_info, NULL},
        IMAGES_VERIFY("images verify"),
        IMAGES_UPDATE("images update"),
        IMAGES_VERSION("images version"),
        {"images tag", "IMAGE NAME", "Give an image one more name", NULL, NULL, 2, 2, false, sc_atomic_images_tag, NULL},
        {"images delete", "IMAGE...|--all", "Drop images, by name or start of the id, after a question",
         "Layers stay until `atomic images prune`.", images_delete_options, 0, SC_ARGUMENTS_ANY, false, sc_atomic_images_delete,
         NULL},
        {"images prune", "", "Remove layers that no image holds, and leftovers", NULL, NULL, 0, 0, false, sc_verb_prune, NULL},
        NOT_HERE("images generate", "what layers hold is known by their hashes; no list of files is kept beside them"),
        NOT_HERE("images help", "mount the image, and read its help file with `man -l`"),
        {"ps", "", "List the running containers, as containers list", NULL, list_options, 0, 0, false, sc_atomic_containers_list,
         NULL},
        {"info", "IMAGE", "Labels and variables, as images info", NULL, info_options, 1, 1, false, sc_verb_info, NULL},
        {"mount", "CONTAINER|IMAGE DIR", "Show files of a container or an image in a folder, read-only",
         "The folder must be there, be empty, and lie in folders that only root can change.", mount_options, 2, 2, false,
         sc_verb_mount, NULL},
        {"umount", "DIR", "Unmount what `atomic mount` has mounted", NULL, NULL, 1, 1, false, sc_verb_umount, NULL},
        {"unmount", "DIR", "Unmount, as umount", NULL, NULL, 1, 1, false, sc_verb_umount, NULL},
        IMAGES_VERIFY("verify"),
        IMAGES_UPDATE("update"),
        IMAGES_VERSION("version"),
        NOT_HERE("diff", "mount both with `atomic mount`, and use diff"),
        NOT_HERE("help", "`atomic --help` lists the commands; of an image mount it, and read its help file with `man -l`"),
        NOT_HERE("host", "use rpm-ostree"),
        NOT_HERE("migrate", "this was about Docker's storage; sysconsd takes an atomic host over as it is"),
        NOT_HERE("push", "sysconsd does not push images; use `skopeo copy` or `podman push`"),
        NOT_HERE("upload", "sysconsd does not push images; use `skopeo copy` or `podman push`"),
        NOT_HERE("scan", "sysconsd runs no scanners; mount the image with `atomic mount`, and give the folder to a scanner"),
        NOT_HERE("sign", "use `podman image sign`, `skopeo standalone-sign` or cosign"),
        NOT_HERE("storage", "this was about Docker's storage; sysconsd needs no setup"),
        NOT_HERE("top", "use `systemd-cgtop`, or `systemctl status NAME`"),
        {"trust show", "", "Show which images are trusted", NULL, trust_show_options, 0, 0, false, sc_atomic_trust_show, NULL},
        {"trust add", "REGISTRY[/REPOSITORY]", "Say whose images of a registry are trusted",
         "Where signatures lie say the files of /etc/containers/registries.d.", trust_add_options, 1, 1, false, sc_atomic_trust_add,
         NULL},
        {"trust delete", "REGISTRY[/REPOSITORY]", "Take back what was said of a registry", NULL, trust_delete_options, 1, 1, false,
         sc_atomic_trust_delete, NULL},
        {"trust default", "reject|accept", "What becomes of all other images", NULL, NULL, 1, 1, false, sc_atomic_trust_default,
         NULL},
        {NULL, NULL, NULL, NULL, NULL, 0, 0, false, NULL, NULL},
};

const ScAtomicVerb *sc_atomic_verbs(void)
{
        return verbs;
}
