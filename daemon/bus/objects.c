/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/objects.h"
#include "bus/container.h"
#include "bus/image.h"
#include "bus/job.h"
#include "bus/reply.h"
#include <string.h>

#define LEFT_OUT (SD_BUS_VTABLE_HIDDEN | SD_BUS_VTABLE_PROPERTY_EXPLICIT)

static int append_list(sd_bus_message *reply, char *const *texts)
{
        int r = sd_bus_message_open_container(reply, 'a', "s");
        for (; r >= 0 && texts != NULL && *texts != NULL; texts++)
                r = sc_bus_append_text(reply, *texts);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Fields of objects are as sd_bus_add_object_vtable(3) wants them. */
static int append_field(sd_bus_message *reply, const char *signature, const void *field)
{
        if (strcmp(signature, "as") == 0)
                return append_list(reply, *(char *const *const *)field);
        if (strcmp(signature, "s") == 0)
                return sc_bus_append_text(reply, *(const char *const *)field);
        return sd_bus_message_append_basic(reply, signature[0], strcmp(signature, "o") == 0 ? *(const char *const *)field : field);
}

static int append_property(sd_bus_message *reply, const char *path, const char *interface, const sd_bus_vtable *property,
                           void *object)
{
        const char *name = property->x.property.member, *signature = property->x.property.signature;
        void *field = (char *)object + property->x.property.offset;
        int r;
        if ((r = sd_bus_message_open_container(reply, 'e', "sv")) < 0 || (r = sc_bus_append_text(reply, name)) < 0 ||
            (r = sd_bus_message_open_container(reply, 'v', signature)) < 0)
                return r;
        __attribute__((cleanup(sd_bus_error_free))) sd_bus_error error = SD_BUS_ERROR_NULL;
        r = property->x.property.get != NULL
                    ? property->x.property.get(sd_bus_message_get_bus(reply), path, interface, name, reply, field, &error)
                    : append_field(reply, signature, field);
        if (r < 0 || (r = sd_bus_message_close_container(reply)) < 0)
                return r;
        return sd_bus_message_close_container(reply);
}

int sc_bus_objects_append(sd_bus_message *reply, const char *path, const char *interface, const sd_bus_vtable *vtable, void *object)
{
        int r;
        if ((r = sd_bus_message_open_container(reply, 'e', "oa{sa{sv}}")) < 0 ||
            (r = sd_bus_message_append_basic(reply, 'o', path)) < 0 ||
            (r = sd_bus_message_open_container(reply, 'a', "{sa{sv}}")) < 0 ||
            (r = sd_bus_message_open_container(reply, 'e', "sa{sv}")) < 0 || (r = sc_bus_append_text(reply, interface)) < 0 ||
            (r = sd_bus_message_open_container(reply, 'a', "{sv}")) < 0)
                return r;
        for (const sd_bus_vtable *entry = vtable; entry->type != _SD_BUS_VTABLE_END; entry++)
                if (entry->type == _SD_BUS_VTABLE_PROPERTY && (entry->flags & LEFT_OUT) == 0 &&
                    (r = append_property(reply, path, interface, entry, object)) < 0)
                        return r;
        for (unsigned depth = 0; depth < 4; depth++)
                if ((r = sd_bus_message_close_container(reply)) < 0)
                        return r;
        return r;
}

static int append_all(sd_bus_message *reply, ScService *service)
{
        int r;
        if ((r = sd_bus_message_open_container(reply, 'a', "{oa{sa{sv}}}")) < 0 ||
            (r = sc_bus_container_append_all(reply, service)) < 0 || (r = sc_bus_image_append_all(reply, service)) < 0 ||
            (r = sc_bus_job_append_all(reply, service)) < 0)
                return r;
        return sd_bus_message_close_container(reply);
}

/* Asked before anything else that is there at this path. */
static int on_call(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        if (sd_bus_message_is_method_call(message, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects") <= 0 ||
            !sd_bus_message_has_signature(message, ""))
                return 0;
        sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = append_all(reply, data);
        if (r >= 0)
                r = sd_bus_send(sd_bus_message_get_bus(message), reply, NULL);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

int sc_bus_objects_publish(ScService *service)
{
        return sd_bus_add_object(service->bus, NULL, SC_BUS_PATH, on_call, service);
}
