/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/counters.h"
#include "base/strangers.h"
#include "net/admission.h"
#include "net/proxy.h"
#include "net/socket.h"

G_BEGIN_DECLS

/**
 * WeirDoor:
 *
 * Who comes in by TCP, whatever the protocol: what the listeners of an accept thread share. Limits
 * per address and in all (see #WeirAdmission), the real clients of proxies that are trusted. Who is
 * not let in is closed at once, without a word: that costs the least. It is counted by the name of
 * the limit, and the log has a line now and then.
 *
 * All functions on the accept thread, unless said otherwise.
 */
typedef struct _WeirDoor WeirDoor;
/* one that is in, until it is let in for good or gone */
typedef struct _WeirVisit WeirVisit;
/* a listener's part of the door */
typedef struct _WeirDoorway WeirDoorway;

/* counted: a trusted proxy did not begin with the PROXY protocol, or not in time */
#define WEIR_REASON_PROXY_HEADER "proxy-header"

typedef struct {
  WeirAdmissionSettings admission;
  gint64 patience_us;     /* 10 s: to wait for one's turn; for a proxy's header */
  WeirNetworks *trusted;  /* (transfer full) (nullable): proxies: they must begin with a header */
  WeirCounters *counters; /* (nullable) referenced */
} WeirDoorSettings;

/* no limits but 1024 connections in all, nobody trusted, nobody counts */
void weir_door_settings_init (WeirDoorSettings *settings);

/* any thread */
WeirDoor *weir_door_new (const WeirDoorSettings *settings);
WeirDoor *weir_door_ref (WeirDoor *self);
void weir_door_unref (WeirDoor *self);
/* any thread: connections that have not been let in for good: those that talk, those held back */
void weir_door_get_pending (WeirDoor *self, guint *talking, guint *waiting);
/* for lines about those who are not let in for good */
WeirStrangerLog *weir_door_get_log (WeirDoor *self);

/**
 * weir_doorway_new: any thread
 * @addresses: as weir_tcp_listener_new()
 * @entered: someone is in: @fd is (transfer full), as weir_tcp_listener_new() gives it, a proxy's
 *   header has been taken from it; @peer is the client's address; @visit is (transfer full)
 *
 * Returns: NULL with a #GIOError
 */
WeirDoorway *weir_doorway_new (WeirDoor *door, WeirWorker *worker, const gchar *addresses,
    void (*entered) (gint fd, const gchar *peer, WeirVisit *visit, gpointer user_data),
    gpointer user_data, GError **error);
/* any thread, but not from within `entered`; closes those who wait; visits go on */
void weir_doorway_free (WeirDoorway *self);
/* while paused nobody new is accepted and nobody who waits gets in */
void weir_doorway_set_paused (WeirDoorway *self, gboolean paused);
/* Returns: (transfer none): as weir_tcp_listener_get_addresses(); any thread */
const gchar *weir_doorway_get_addresses (WeirDoorway *self);

/* let in for good, or gone */
void weir_visit_end (WeirVisit *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirDoor, weir_door_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirDoorway, weir_doorway_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirVisit, weir_visit_end)

G_END_DECLS
