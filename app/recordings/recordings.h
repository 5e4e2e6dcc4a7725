/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "blobs/blobs.h"
#include "broadcast/manager.h"
#include "config.h"
#include "store/store.h"

G_BEGIN_DECLS

/**
 * WeirRecordings: recordings go: because somebody says so, because their time has come, or, only
 * where the configuration says so, because there are too many of them. Main thread.
 *
 * A recording is deleted in this order, each step after the one before is durable:
 *
 *   1. a broadcast that still runs is ended;
 *   2. a mark, the object `deleted/<uid>`, says what is to be gone, and survives a crash;
 *   3. the store forgets it, with its segments, and tells of it (`recording.deleted`);
 *   4. viewers' indexes forget it: new requests are answered 404, answers under way are finished;
 *   5. after three target durations its objects are removed, then the mark.
 *
 * A start goes on with what has a mark. Objects without one, of broadcasts that the store does not
 * know, are the sweep's (sweep.h): a store that was restored from a copy may know less than there
 * is.
 */
typedef struct _WeirRecordings WeirRecordings;

/* @config and @manager outlive it, the others are referenced */
WeirRecordings *weir_recordings_new (
    const WeirConfig *config, WeirStore *store, WeirBlobs *blobs, WeirBroadcastManager *manager);
/* what is not done yet is done after the next start */
void weir_recordings_free (WeirRecordings *self);
/* once what an earlier daemon left has been recovered: from now on recordings go by themselves */
void weir_recordings_start (WeirRecordings *self);

/**
 * weir_recordings_delete:
 * @account: whose it must be
 * @uid: of a broadcast that is recorded; one that runs is ended
 *
 * Answers when it is gone for everyone who asks; its objects follow. Returns (finish): NOT_FOUND,
 * UNAVAILABLE of #WeirStoreError
 */
void weir_recordings_delete (WeirRecordings *self, const gchar *account, const gchar *uid,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_recordings_delete_finish (WeirRecordings *self, GAsyncResult *result, GError **error);

/**
 * weir_recordings_delete_of_input:
 *
 * All recordings of one live input. Returns (finish): FALSE when one of them could not be deleted;
 * those before it are gone
 */
void weir_recordings_delete_of_input (WeirRecordings *self, const gchar *account,
    const gchar *input, GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_recordings_delete_of_input_finish (
    WeirRecordings *self, GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirRecordings, weir_recordings_free)

G_END_DECLS
