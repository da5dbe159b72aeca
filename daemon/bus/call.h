/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How every call that needs an authorization goes: the request is read into an owned ScCall; who asks is found out; the verb says,
 * from what is there now, which actions are needed; polkit is asked for each; and each time an answer is here the verb is asked
 * anew, because minutes may have passed. Only when nothing is left to ask does it run, at once. Nothing is kept by pointer while
 * somebody waits. */

#include "bus/options.h"
#include "bus/service.h"
#include "job/job.h"

typedef struct ScCall ScCall;

/* What the verb works on. */
typedef enum {
        SC_SUBJECT_NONE,
        SC_SUBJECT_ARGUMENT,            /* the first argument, a string */
        SC_SUBJECT_ARGUMENTS,           /* the same, and a string more: call->argument */
        SC_SUBJECT_COMMAND,             /* the same, and words (as) behind it, which become the option SC_OPTION_KEY_ARGV */
        SC_SUBJECT_TEXT,                /* none; the first argument is a text, which becomes the option SC_OPTION_KEY_POLICY */
        SC_SUBJECT_OBJECT,              /* the object called, by the last part of its path */
        SC_SUBJECT_OBJECT_AND_ARGUMENT, /* the same, and a string more: call->argument */
        SC_SUBJECT_PLANNED,             /* the second argument; the first is the operation of the verb that is planned */
} ScVerbSubject;

typedef struct {
        const char *interface;
        const char *member;
        const char *operation; /* as Job.Operation; for methods without a job, a word for polkit's details and the journal */
        const char *action;    /* the polkit action without its prefix SC_ACTION_PREFIX; NULL: that of the verb that is planned */
        ScVerbSubject subject;
        const ScOption *options; /* NULL: the method takes no options */
        /* Looks at the subject and the options as things are now: sets what is below "plan" in the call; an error is the answer.
         * May be NULL. */
        bool (*plan)(ScCall *call, GError **error);
        /* Acts and replies. An error is the answer. */
        bool (*run)(ScCall *call, GError **error);
} ScVerb;

#define SC_ACTION_PREFIX "org.sysconsd1."
#define SC_CALL_MAX_NEEDS 8

struct ScCall {
        ScService *service;
        const ScVerb *verb;
        const ScVerb *planned;   /* whose plan is asked for; else NULL */
        sd_bus_message *message; /* for the reply */
        char *sender;
        uid_t uid;
        bool interactive;
        bool cancel_on_disconnect;
        bool may_last; /* run: the job holds up nobody, however long it takes */
        char *subject;
        char *argument; /* NULL: the method has none but its subject */
        JsonObject *options;
        GArray *fds; /* those of the options */
        /* plan: what polkit's rules see (NULL: does not apply), and what the job will be */
        char *container;
        char *image;
        char *source;
        char *where;           /* the folder that is mounted on */
        char *pull;            /* image to pull first, [SOURCE:]NAME; NULL: none */
        char *renamed;         /* full name of the image that an update takes in place of a short one; NULL: none */
        char *resolved;        /* a line for the user: what a short name was taken for; NULL: none was */
        bool host_logins;      /* the host's logins are for it, whoever asks (root's calls may use them anyway) */
        const char *operation; /* the verb's, unless the options make it another */
        bool is_own;           /* no action is needed: the caller's own job */
        const char *needs[SC_CALL_MAX_NEEDS + 1]; /* actions, the verb's own first; ended by NULL */
        /* how far it is */
        GHashTable *granted;      /* action and details, as polkit was asked for them */
        const char *asked_action; /* what polkit is asked for at present, and */
        char *asked_key;          /* that with its details; NULL: nothing */
        struct ScPolkitCheck *check;
};

/* The handler of every method that needs an authorization: there is no way round the table of verbs. */
int sc_call_method(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);

/* For plan: one more action. */
void sc_call_need(ScCall *call, const char *action);
/* Whether no action is asked for: root, or the owner of a user's bus. */
bool sc_call_is_master(const ScCall *call);
/* Flags of the job that the call becomes. */
ScJobFlags sc_call_flags(const ScCall *call);
/* For run: queues the operation on the subject and answers with the job's path. */
bool sc_call_queue(ScCall *call, const char *subject, GError **error);

/* A caller is gone: its calls are dropped, their dialogs closed. */
void sc_call_drop_sender(ScService *service, const char *sender);
void sc_call_free(ScCall *call);

/* All verbs, ended by one without an interface. */
extern const ScVerb sc_verbs[];
