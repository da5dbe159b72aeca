/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* In builds with the thread sanitizer only. GLib's locks are made of futexes, inside of a library that the sanitizer does not see
 * into: it would take everything that they guard for a race. The linker puts these functions in the place of GLib's (--wrap), for
 * calls from our code; they say what happens, and call the real ones. */

#include <glib.h>
#include <sanitizer/tsan_interface.h>

void __real_g_mutex_clear(GMutex *mutex);
void __real_g_mutex_lock(GMutex *mutex);
gboolean __real_g_mutex_trylock(GMutex *mutex);
void __real_g_mutex_unlock(GMutex *mutex);
void __real_g_cond_wait(GCond *cond, GMutex *mutex);
gboolean __real_g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time);
gboolean __real_g_once_init_enter(volatile void *location);
void __real_g_once_init_leave(volatile void *location, gsize result);

void __wrap_g_mutex_clear(GMutex *mutex);
void __wrap_g_mutex_lock(GMutex *mutex);
gboolean __wrap_g_mutex_trylock(GMutex *mutex);
void __wrap_g_mutex_unlock(GMutex *mutex);
void __wrap_g_cond_wait(GCond *cond, GMutex *mutex);
gboolean __wrap_g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time);
gboolean __wrap_g_once_init_enter(volatile void *location);
void __wrap_g_once_init_leave(volatile void *location, gsize result);

void __wrap_g_mutex_clear(GMutex *mutex)
{
        __tsan_mutex_destroy(mutex, __tsan_mutex_linker_init);
        __real_g_mutex_clear(mutex);
}

void __wrap_g_mutex_lock(GMutex *mutex)
{
        __tsan_mutex_pre_lock(mutex, __tsan_mutex_linker_init);
        __real_g_mutex_lock(mutex);
        __tsan_mutex_post_lock(mutex, __tsan_mutex_linker_init, 0);
}

gboolean __wrap_g_mutex_trylock(GMutex *mutex)
{
        const unsigned flags = __tsan_mutex_linker_init | __tsan_mutex_try_lock;
        __tsan_mutex_pre_lock(mutex, flags);
        gboolean locked = __real_g_mutex_trylock(mutex);
        __tsan_mutex_post_lock(mutex, locked ? flags : flags | __tsan_mutex_try_lock_failed, 0);
        return locked;
}

void __wrap_g_mutex_unlock(GMutex *mutex)
{
        __tsan_mutex_pre_unlock(mutex, 0);
        __real_g_mutex_unlock(mutex);
        __tsan_mutex_post_unlock(mutex, 0);
}

/* To wait is to unlock and to lock again; what woke us up held the lock in between. */
void __wrap_g_cond_wait(GCond *cond, GMutex *mutex)
{
        __tsan_mutex_pre_unlock(mutex, 0);
        __tsan_mutex_post_unlock(mutex, 0);
        __real_g_cond_wait(cond, mutex);
        __tsan_mutex_pre_lock(mutex, 0);
        __tsan_mutex_post_lock(mutex, 0, 0);
}

gboolean __wrap_g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
        __tsan_mutex_pre_unlock(mutex, 0);
        __tsan_mutex_post_unlock(mutex, 0);
        gboolean woken = __real_g_cond_wait_until(cond, mutex, end_time);
        __tsan_mutex_pre_lock(mutex, 0);
        __tsan_mutex_post_lock(mutex, 0, 0);
        return woken;
}

gboolean __wrap_g_once_init_enter(volatile void *location)
{
        gboolean first = __real_g_once_init_enter(location);
        if (!first)
                __tsan_acquire((void *)location);
        return first;
}

void __wrap_g_once_init_leave(volatile void *location, gsize result)
{
        __tsan_release((void *)location);
        __real_g_once_init_leave(location, result);
}
