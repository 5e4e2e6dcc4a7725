/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WeirStore:
 *
 * Committed state: live inputs, broadcasts with their owner's epoch, the index of their segments.
 * One interface, several backends, one contract test. Every call is asynchronous (a #GTask): its
 * callback comes in the thread-default main context of the call, or the default one. Nothing here
 * ever blocks the caller. What is asked for is done in the order of the calls. A backend keeps a
 * bounded number of calls waiting and answers the rest with %WEIR_STORE_ERROR_UNAVAILABLE.
 *
 * Fencing: a broadcast has one owner, known by its epoch. Epochs grow over the whole store: at each
 * claim, and at each start of a daemon. A commit names its epoch and is refused with
 * %WEIR_STORE_ERROR_FENCED when the broadcast's is another.
 */
#define WEIR_STORE_ERROR (weir_store_error_quark ())
GQuark weir_store_error_quark (void);
typedef enum {
  WEIR_STORE_ERROR_NOT_FOUND,
  WEIR_STORE_ERROR_EXISTS,       /* uid or a secret is taken */
  WEIR_STORE_ERROR_FENCED,       /* someone else owns the broadcast */
  WEIR_STORE_ERROR_UNAVAILABLE,  /* cannot be reached, disk full, … */
  WEIR_STORE_ERROR_INCOMPATIBLE, /* made by a newer version, or damaged */
} WeirStoreError;

/**
 * WeirSecret: which of a live input's credentials
 */
typedef enum {
  WEIR_SECRET_RTMP, /* stream key of RTMP and RTMPS publishing */
  WEIR_SECRET_RTMP_PLAYBACK,
  WEIR_SECRET_SRT,
  WEIR_SECRET_SRT_PLAYBACK,
  WEIR_SECRET_WEBRTC,
  WEIR_SECRET_LAST
} WeirSecret;

typedef enum {
  WEIR_RECORDING_DEFAULT, /* absent: what `recording.mode` of the configuration says */
  WEIR_RECORDING_OFF,
  WEIR_RECORDING_AUTOMATIC,
} WeirRecordingMode;

typedef struct {
  gchar *uid; /* 32 lowercase hex */
  gchar *account;
  gint64 created_us; /* wall */
  gint64 modified_us;
  gint64 keys_rotated_us; /* 0: never */
  gboolean enabled;
  gchar *meta;                      /* JSON object as text, "{}" */
  gchar *default_creator;           /* (nullable) */
  gint prefer_low_latency;          /* -1 absent, 0, 1 */
  gint delete_recording_after_days; /* 0: absent */
  WeirRecordingMode recording_mode;
  gint recording_timeout_s; /* 0: absent */
  gboolean require_signed_urls;
  gboolean hide_live_viewer_count;
  gchar *allowed_origins; /* (nullable) JSON array as text */
  gchar *secrets[WEIR_SECRET_LAST];
} WeirLiveInput;

WeirLiveInput *weir_live_input_new (void);
WeirLiveInput *weir_live_input_copy (const WeirLiveInput *self);
void weir_live_input_free (WeirLiveInput *self);

typedef enum {
  WEIR_BROADCAST_LIVE, /* owned and running (or its owner died) */
  WEIR_BROADCAST_ENDED,
  WEIR_BROADCAST_READY, /* ended, its recording complete */
} WeirBroadcastState;

typedef struct {
  gchar *uid;   /* 32 lowercase hex */
  gchar *input; /* uid of its live input */
  gchar *account;
  guint64 epoch; /* of its owner */
  WeirBroadcastState state;
  gboolean recorded;
  gint64 created_us; /* wall */
  gint64 ended_us;   /* wall; 0 while live */
  gchar *committed;  /* JSON as text: timeline, next numbers; owner's business */
  gchar *inits;      /* JSON array as text: configurations per generation */
} WeirBroadcastRecord;

WeirBroadcastRecord *weir_broadcast_record_copy (const WeirBroadcastRecord *self);
void weir_broadcast_record_free (WeirBroadcastRecord *self);

#define WEIR_TYPE_STORE (weir_store_get_type ())
G_DECLARE_INTERFACE (WeirStore, weir_store, WEIR, STORE, GObject)

struct _WeirStoreInterface {
  GTypeInterface parent_iface;

  /* each as the public function of the same name */
  void (*create_input) (WeirStore *self, const WeirLiveInput *input, GTask *task);
  void (*get_input) (WeirStore *self, const gchar *uid, GTask *task);
  void (*find_input) (WeirStore *self, WeirSecret secret, const gchar *digest, GTask *task);
  void (*list_inputs) (WeirStore *self, const gchar *account, GTask *task);
  void (*delete_input) (WeirStore *self, const gchar *account, const gchar *uid, GTask *task);
  void (*begin_broadcast) (WeirStore *self, const WeirBroadcastRecord *record, GTask *task);
  void (*claim_broadcast) (WeirStore *self, const gchar *uid, guint64 expected_epoch, GTask *task);
  void (*get_broadcast) (WeirStore *self, const gchar *uid, GTask *task);
  void (*list_broadcasts) (WeirStore *self, const gchar *input, gint state, GTask *task);
  void (*commit_segment) (WeirStore *self, const gchar *uid, guint64 epoch, guint64 number,
      const gchar *entry, const gchar *committed, GTask *task);
  void (*commit_inits) (
      WeirStore *self, const gchar *uid, guint64 epoch, const gchar *inits, GTask *task);
  void (*forget_segments) (
      WeirStore *self, const gchar *uid, guint64 epoch, guint64 before, GTask *task);
  void (*end_broadcast) (
      WeirStore *self, const gchar *uid, guint64 epoch, WeirBroadcastState state, GTask *task);
  void (*list_segments) (WeirStore *self, const gchar *uid, GTask *task);
};

/* every secret of @input must be unique; error EXISTS */
void weir_store_create_input (
    WeirStore *self, const WeirLiveInput *input, GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_create_input_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* Returns (finish): (transfer full) a WeirLiveInput; NOT_FOUND */
void weir_store_get_input (
    WeirStore *self, const gchar *uid, GAsyncReadyCallback callback, gpointer user_data);
WeirLiveInput *weir_store_get_input_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* @secret: in clear; looked up by its SHA-256, compared in constant time by nature of the digest */
void weir_store_find_input (WeirStore *self, WeirSecret kind, const gchar *secret,
    GAsyncReadyCallback callback, gpointer user_data);
WeirLiveInput *weir_store_find_input_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* Returns (finish): (transfer full) (element-type WeirLiveInput): newest first */
void weir_store_list_inputs (
    WeirStore *self, const gchar *account, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *weir_store_list_inputs_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* with its secrets; its broadcasts stay. NOT_FOUND when @account has no such input */
void weir_store_delete_input (WeirStore *self, const gchar *account, const gchar *uid,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_delete_input_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* makes a broadcast owned by the caller. @record's epoch and state are ignored.
 * Returns (finish): (transfer full) the record with its epoch */
void weir_store_begin_broadcast (WeirStore *self, const WeirBroadcastRecord *record,
    GAsyncReadyCallback callback, gpointer user_data);
WeirBroadcastRecord *weir_store_begin_broadcast_finish (
    WeirStore *self, GAsyncResult *result, GError **error);

/* takes a broadcast over: one compare-and-swap on the epoch; FENCED when it is another.
 * Returns (finish): (transfer full) the record with its new epoch */
void weir_store_claim_broadcast (WeirStore *self, const gchar *uid, guint64 expected_epoch,
    GAsyncReadyCallback callback, gpointer user_data);
WeirBroadcastRecord *weir_store_claim_broadcast_finish (
    WeirStore *self, GAsyncResult *result, GError **error);

/* Returns (finish): (transfer full) the record; NOT_FOUND */
void weir_store_get_broadcast (
    WeirStore *self, const gchar *uid, GAsyncReadyCallback callback, gpointer user_data);
WeirBroadcastRecord *weir_store_get_broadcast_finish (
    WeirStore *self, GAsyncResult *result, GError **error);

/* @input: (nullable) of one input; @state: a WeirBroadcastState or -1 for any.
 * Returns (finish): (transfer full) (element-type WeirBroadcastRecord): newest first */
void weir_store_list_broadcasts (WeirStore *self, const gchar *input, gint state,
    GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *weir_store_list_broadcasts_finish (
    WeirStore *self, GAsyncResult *result, GError **error);

/* the fenced index entry (weir_index_segment_to_json()) and, in the same transaction, the
 * broadcast's new committed state; its object must be durable already */
void weir_store_commit_segment (WeirStore *self, const gchar *uid, guint64 epoch, guint64 number,
    const gchar *entry, const gchar *committed, GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_commit_segment_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* replaces the configurations of all generations: weir_index_inits_to_json(); FENCED */
void weir_store_commit_inits (WeirStore *self, const gchar *uid, guint64 epoch, const gchar *inits,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_commit_inits_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* drops the index entries of numbers below @before */
void weir_store_forget_segments (WeirStore *self, const gchar *uid, guint64 epoch, guint64 before,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_forget_segments_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* @state: ENDED or READY; sets the time of the end; FENCED */
void weir_store_end_broadcast (WeirStore *self, const gchar *uid, guint64 epoch,
    WeirBroadcastState state, GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_end_broadcast_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* Returns (finish): (transfer full) (element-type utf8): the entries, by number */
void weir_store_list_segments (
    WeirStore *self, const gchar *uid, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *weir_store_list_segments_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* for backends. Returns: (transfer full): what a secret is looked up by: SHA-256, lowercase hex */
gchar *weir_store_digest_secret (const gchar *secret);

/**
 * weir_store_sqlite_new:
 * @path: the database file, made with mode 0600 when it is missing
 *
 * The embedded backend: WAL, synchronous=FULL, one thread, group commit. Opening blocks; it is done
 * at start-up. Every start raises the store's epoch. The store is closed, everything committed,
 * when its last reference goes; a call that waits for its answer holds one.
 *
 * Returns: (transfer full): NULL with %WEIR_STORE_ERROR
 */
WeirStore *weir_store_sqlite_new (const gchar *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirLiveInput, weir_live_input_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirBroadcastRecord, weir_broadcast_record_free)

G_END_DECLS
