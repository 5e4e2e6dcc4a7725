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
 * Changes are told: the signal `changed` (guint change, const gchar *id: #WeirStoreChange) comes in
 * the default main context after each commit, to everyone who holds the store, whichever node has
 * made the change. Events that are committed together are told of once, by the newest.
 *
 * Fencing: a broadcast has one owner, known by its epoch. Epochs grow over the whole store: at each
 * claim, and at each start of a daemon. A commit names its epoch and is refused with
 * %WEIR_STORE_ERROR_FENCED when the broadcast's is another, or the broadcast has been deleted.
 */
#define WEIR_STORE_ERROR (weir_store_error_quark ())
GQuark weir_store_error_quark (void);
typedef enum {
  WEIR_STORE_ERROR_NOT_FOUND,
  WEIR_STORE_ERROR_EXISTS,       /* uid or a secret is taken */
  WEIR_STORE_ERROR_FENCED,       /* someone else owns the broadcast, or has changed it meanwhile */
  WEIR_STORE_ERROR_UNAVAILABLE,  /* cannot be reached, disk full, … */
  WEIR_STORE_ERROR_INCOMPATIBLE, /* made by a newer version, or damaged */
  WEIR_STORE_ERROR_FULL,         /* there are as many as there may be */
  WEIR_STORE_ERROR_IN_USE,       /* something else still needs it */
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

/**
 * WeirLiveInputFilter: which live inputs a list has; all fields but the account 0: all of the
 * account
 */
typedef struct {
  const gchar *account;
  gint64 created_from_us; /* this and later */
  gint64 created_before_us;
  gboolean ascending; /* oldest first, else newest */
  guint limit;        /* 0: no limit */
} WeirLiveInputFilter;

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

  /* what its recording is called and may be used for; changed by weir_store_edit_broadcast() */
  gint64 modified_us;
  gchar *name;         /* (nullable): of @meta, for searches */
  gchar *creator;      /* (nullable) */
  gchar *settings;     /* JSON object as text: the API's business (meta, allowedOrigins, …) */
  gint64 delete_at_us; /* wall; when it is to be deleted; 0: never */

  /* kept by the store: sums of what has been committed and not been forgotten */
  guint64 segments;
  guint64 size;       /* bytes of segment objects */
  gint64 duration_us; /* of media */
} WeirBroadcastRecord;

WeirBroadcastRecord *weir_broadcast_record_copy (const WeirBroadcastRecord *self);
void weir_broadcast_record_free (WeirBroadcastRecord *self);

/**
 * WeirBroadcastFilter: which broadcasts a list has; all fields 0 or NULL: all there are
 */
typedef struct {
  const gchar *account;
  const gchar *input;
  const gchar *uid;
  const gchar *creator;
  const gchar *name;      /* exactly */
  const gchar *search;    /* part of the name, ASCII letters of either case */
  guint states;           /* bits 1 << WeirBroadcastState */
  gboolean recorded;      /* only those that have, or will have, a recording */
  gint64 created_from_us; /* this and later */
  gint64 created_before_us;
  gint64 delete_before_us; /* whose delete_at_us is neither 0 nor later than this */
  gboolean ascending;      /* oldest first, else newest */
  guint limit;             /* 0: no limit */
} WeirBroadcastFilter;

typedef struct {
  guint64 broadcasts;
  guint64 segments;
  guint64 size;       /* bytes */
  gint64 duration_us; /* of media */
} WeirStoreUsage;

/**
 * WeirDocument:
 *
 * A small piece of configuration whose meaning is the owner's of its kind; JSON as text.
 */
typedef enum {
  WEIR_DOCUMENT_ACCOUNT,
  WEIR_DOCUMENT_TOKEN,  /* of the API; @digest is the token's */
  WEIR_DOCUMENT_OUTPUT, /* @parent is the live input's uid */
  WEIR_DOCUMENT_WEBHOOK,
  WEIR_DOCUMENT_SIGNING_KEY,
  WEIR_DOCUMENT_DELIVERY, /* how far a webhook is; @parent is its id */
  WEIR_DOCUMENT_LAST
} WeirDocumentKind;

typedef struct {
  WeirDocumentKind kind;
  gchar *id;         /* unique in its kind */
  gchar *account;    /* "" for what belongs to none */
  gchar *parent;     /* (nullable) */
  gchar *digest;     /* (nullable): what it can be found by; unique in its kind */
  gint64 created_us; /* wall */
  gint64 modified_us;
  guint64 revision; /* given by the store: grows with each change of the document, from 1 */
  gchar *json;
} WeirDocument;

WeirDocument *weir_document_new (WeirDocumentKind kind, const gchar *account, const gchar *id);
WeirDocument *weir_document_copy (const WeirDocument *self);
void weir_document_free (WeirDocument *self);

/**
 * WeirEvent: something that happened, for those who were not there; immutable
 *
 * @sequence orders the events of the whole store and is never given twice; one that is seen is
 * durable, and so is what it tells of.
 */
typedef struct {
  guint64 sequence; /* given by the store */
  gint64 time_us;   /* wall */
  gchar *type;      /* `segment.committed`, … */
  gchar *account;
  gchar *input;     /* (nullable) uid */
  gchar *broadcast; /* (nullable) uid */
  gchar *data;      /* JSON object as text */
} WeirEvent;

/* @data: (nullable): {} */
WeirEvent *weir_event_new (const gchar *type, const gchar *account, const gchar *input,
    const gchar *broadcast, const gchar *data);
WeirEvent *weir_event_copy (const WeirEvent *self);
void weir_event_free (WeirEvent *self);

/* what `changed` tells of */
typedef enum {
  WEIR_STORE_CHANGE_INPUT,     /* @id: its uid; created, updated or deleted */
  WEIR_STORE_CHANGE_BROADCAST, /* @id: its uid; begun, claimed, edited, ended or deleted */
  WEIR_STORE_CHANGE_DOCUMENT,  /* @id: "<kind as a number>/<id>" */
  WEIR_STORE_CHANGE_EVENT,     /* @id: the sequence of the newest, decimal */
} WeirStoreChange;

/**
 * WeirSegmentCommit: what one segment adds to its broadcast, in one transaction
 *
 * A commit of a number that is there already replaces its entry, and its share of the sums.
 */
typedef struct {
  guint64 number;
  const gchar *entry;     /* weir_index_segment_to_json() */
  const gchar *committed; /* (nullable): the broadcast's new committed state; NULL: as it was */
  guint64 size;           /* bytes of the object */
  gint64 duration_us;     /* of media */
  const WeirEvent *event; /* (nullable): `segment.committed`; not of a number that was there */
} WeirSegmentCommit;

#define WEIR_TYPE_STORE (weir_store_get_type ())
G_DECLARE_INTERFACE (WeirStore, weir_store, WEIR, STORE, GObject)

struct _WeirStoreInterface {
  GTypeInterface parent_iface;

  /* each as the public function of the same name */
  void (*create_input) (WeirStore *self, const WeirLiveInput *input, GTask *task);
  void (*get_input) (WeirStore *self, const gchar *uid, GTask *task);
  void (*find_input) (WeirStore *self, WeirSecret secret, const gchar *digest, GTask *task);
  /* answers with a #WeirLiveInputList */
  void (*list_inputs) (WeirStore *self, const WeirLiveInputFilter *filter, GTask *task);
  void (*update_input) (
      WeirStore *self, const WeirLiveInput *input, gint64 expected_modified_us, GTask *task);
  void (*delete_input) (WeirStore *self, const gchar *account, const gchar *uid, GTask *task);
  void (*begin_broadcast) (WeirStore *self, const WeirBroadcastRecord *record, GTask *task);
  void (*claim_broadcast) (WeirStore *self, const gchar *uid, guint64 expected_epoch, GTask *task);
  void (*get_broadcast) (WeirStore *self, const gchar *uid, GTask *task);
  void (*list_broadcasts) (WeirStore *self, const WeirBroadcastFilter *filter, GTask *task);
  void (*edit_broadcast) (
      WeirStore *self, const WeirBroadcastRecord *record, gint64 expected_modified_us, GTask *task);
  void (*delete_broadcast) (WeirStore *self, const gchar *uid, const WeirEvent *event, GTask *task);
  void (*get_usage) (WeirStore *self, const gchar *account, const gchar *creator, GTask *task);
  void (*commit_segment) (WeirStore *self, const gchar *uid, guint64 epoch,
      const WeirSegmentCommit *commit, GTask *task);
  void (*commit_state) (
      WeirStore *self, const gchar *uid, guint64 epoch, const gchar *committed, GTask *task);
  void (*commit_inits) (
      WeirStore *self, const gchar *uid, guint64 epoch, const gchar *inits, GTask *task);
  void (*forget_segments) (
      WeirStore *self, const gchar *uid, guint64 epoch, guint64 before, GTask *task);
  void (*end_broadcast) (WeirStore *self, const gchar *uid, guint64 epoch, WeirBroadcastState state,
      const WeirEvent *event, GTask *task);
  void (*list_segments) (WeirStore *self, const gchar *uid, GTask *task);
  void (*get_newest_segment) (WeirStore *self, const gchar *uid, GTask *task);
  void (*put_document) (
      WeirStore *self, const WeirDocument *document, guint64 expected_revision, GTask *task);
  void (*add_document) (
      WeirStore *self, const WeirDocument *document, guint limit, gboolean of_account, GTask *task);
  void (*get_document) (WeirStore *self, WeirDocumentKind kind, const gchar *id, GTask *task);
  void (*find_document) (WeirStore *self, WeirDocumentKind kind, const gchar *digest, GTask *task);
  void (*list_documents) (WeirStore *self, WeirDocumentKind kind, const gchar *account,
      const gchar *parent, GTask *task);
  void (*delete_document) (WeirStore *self, WeirDocumentKind kind, const gchar *id, GTask *task);
  void (*delete_account) (WeirStore *self, const gchar *id, GTask *task);
  void (*append_event) (WeirStore *self, const WeirEvent *event, GTask *task);
  void (*list_events) (
      WeirStore *self, const gchar *account, guint64 after, guint limit, GTask *task);
  void (*trim_events) (WeirStore *self, gint64 before_us, guint64 keep, GTask *task);
  void (*backup) (WeirStore *self, const gchar *path, GTask *task);
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

/* @total: (out) (optional): how many there would be without the limit.
 * Returns (finish): (transfer full) (element-type WeirLiveInput): without their secrets */
void weir_store_list_inputs (WeirStore *self, const WeirLiveInputFilter *filter,
    GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *weir_store_list_inputs_finish (
    WeirStore *self, GAsyncResult *result, guint64 *total, GError **error);

/**
 * weir_store_update_input:
 * @input: all of it, its secrets included
 * @expected_modified_us: of the one that was read; another one in the store is
 *   %WEIR_STORE_ERROR_FENCED: read again. @input's modified_us must be later
 *
 * Replaces the live input of that uid and account. Returns (finish): NOT_FOUND, EXISTS (a secret is
 * taken), FENCED.
 */
void weir_store_update_input (WeirStore *self, const WeirLiveInput *input,
    gint64 expected_modified_us, GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_update_input_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* with its secrets and its outputs; its broadcasts stay. NOT_FOUND when @account has no such input
 */
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

/* @filter: (nullable). Returns (finish): (transfer full) (element-type WeirBroadcastRecord) */
void weir_store_list_broadcasts (WeirStore *self, const WeirBroadcastFilter *filter,
    GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *weir_store_list_broadcasts_finish (
    WeirStore *self, GAsyncResult *result, GError **error);

/* replaces what @record says in name, creator, settings, delete_at_us; not fenced by the epoch, as
 * the owner never writes these. modified_us becomes the record's. @expected_modified_us: as for
 * weir_store_update_input(). NOT_FOUND, FENCED */
void weir_store_edit_broadcast (WeirStore *self, const WeirBroadcastRecord *record,
    gint64 expected_modified_us, GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_edit_broadcast_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* with its entries; whoever owned it is fenced from then on. Objects are the caller's business. Of
 * a long recording the answer comes when nobody finds it any more; what it takes is given free in
 * small steps, after a crash too, so that nobody who commits waits long.
 * @event: (nullable). NOT_FOUND */
void weir_store_delete_broadcast (WeirStore *self, const gchar *uid, const WeirEvent *event,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_delete_broadcast_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* the sums of an account's recordings, those that are being made included. @account, @creator:
 * (nullable): of all */
void weir_store_get_usage (WeirStore *self, const gchar *account, const gchar *creator,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_get_usage_finish (
    WeirStore *self, GAsyncResult *result, WeirStoreUsage *usage, GError **error);

/* its object must be durable already; FENCED */
void weir_store_commit_segment (WeirStore *self, const gchar *uid, guint64 epoch,
    const WeirSegmentCommit *commit, GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_commit_segment_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* the committed state alone; FENCED */
void weir_store_commit_state (WeirStore *self, const gchar *uid, guint64 epoch,
    const gchar *committed, GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_commit_state_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* replaces the configurations of all generations: weir_index_inits_to_json(); FENCED */
void weir_store_commit_inits (WeirStore *self, const gchar *uid, guint64 epoch, const gchar *inits,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_commit_inits_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* drops the index entries of numbers below @before, and what they add to the sums; FENCED */
void weir_store_forget_segments (WeirStore *self, const gchar *uid, guint64 epoch, guint64 before,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_forget_segments_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* @state: ENDED or READY; sets the time of the end; FENCED. @event: (nullable), written with it */
void weir_store_end_broadcast (WeirStore *self, const gchar *uid, guint64 epoch,
    WeirBroadcastState state, const WeirEvent *event, GAsyncReadyCallback callback,
    gpointer user_data);
gboolean weir_store_end_broadcast_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* Returns (finish): (transfer full) (element-type utf8): the entries, by number */
void weir_store_list_segments (
    WeirStore *self, const gchar *uid, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *weir_store_list_segments_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* Returns (finish): (transfer full): the entry of the highest number; NOT_FOUND when there is none
 */
void weir_store_get_newest_segment (
    WeirStore *self, const gchar *uid, GAsyncReadyCallback callback, gpointer user_data);
gchar *weir_store_get_newest_segment_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* ---- documents ---- */

/**
 * weir_store_put_document:
 * @expected_revision: 0: it must not be there (EXISTS); else of the one that is replaced (FENCED
 *   when it is another, NOT_FOUND when it is gone)
 *
 * Returns (finish): the new revision, 0 with an error; EXISTS too when @document's digest is taken;
 *   NOT_FOUND for a new DELIVERY without its webhook
 */
void weir_store_put_document (WeirStore *self, const WeirDocument *document,
    guint64 expected_revision, GAsyncReadyCallback callback, gpointer user_data);
guint64 weir_store_put_document_finish (WeirStore *self, GAsyncResult *result, GError **error);

/**
 * weir_store_add_document:
 * @limit: how many of its kind, account and parent there may be with it; 0: any number
 * @of_account: whether its account is a document, which must be there
 *
 * As weir_store_put_document() of a new one, counted and looked up in the same transaction: however
 * many are added at once, there are never more, and none of an account that is gone.
 *
 * Returns (finish): FULL, EXISTS; NOT_FOUND: there is no such account
 */
void weir_store_add_document (WeirStore *self, const WeirDocument *document, guint limit,
    gboolean of_account, GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_add_document_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* Returns (finish): (transfer full); NOT_FOUND */
void weir_store_get_document (WeirStore *self, WeirDocumentKind kind, const gchar *id,
    GAsyncReadyCallback callback, gpointer user_data);
WeirDocument *weir_store_get_document_finish (
    WeirStore *self, GAsyncResult *result, GError **error);

/* by its digest, see weir_store_digest_secret(). Returns (finish): (transfer full); NOT_FOUND */
void weir_store_find_document (WeirStore *self, WeirDocumentKind kind, const gchar *digest,
    GAsyncReadyCallback callback, gpointer user_data);
WeirDocument *weir_store_find_document_finish (
    WeirStore *self, GAsyncResult *result, GError **error);

/* @account, @parent: (nullable): of all.
 * Returns (finish): (transfer full) (element-type WeirDocument): oldest first */
void weir_store_list_documents (WeirStore *self, WeirDocumentKind kind, const gchar *account,
    const gchar *parent, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *weir_store_list_documents_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* a WEBHOOK with its DELIVERY. NOT_FOUND */
void weir_store_delete_document (WeirStore *self, WeirDocumentKind kind, const gchar *id,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_delete_document_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* the document of the account @id, and all documents that are its. NOT_FOUND; IN_USE while it has
 * live inputs or recordings, said in words */
void weir_store_delete_account (
    WeirStore *self, const gchar *id, GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_delete_account_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* ---- events ---- */

/* Returns (finish): its sequence, 0 with an error */
void weir_store_append_event (
    WeirStore *self, const WeirEvent *event, GAsyncReadyCallback callback, gpointer user_data);
guint64 weir_store_append_event_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* instead of a sequence: the newest event alone */
#define WEIR_STORE_NEWEST G_MAXUINT64
/* @account: (nullable): of all; @after: a sequence, or WEIR_STORE_NEWEST; @limit: from 1 on.
 * Returns (finish): (transfer full) (element-type WeirEvent): by sequence */
void weir_store_list_events (WeirStore *self, const gchar *account, guint64 after, guint limit,
    GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *weir_store_list_events_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* forgets events from before @before_us, wall, and all but the newest @keep; in small steps */
void weir_store_trim_events (WeirStore *self, gint64 before_us, guint64 keep,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_trim_events_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* a copy of all of it as of one moment, while it is being used; mode 0600; never over a file that
 * is there (EXISTS); one at a time (UNAVAILABLE). Restoring is starting on the copy: its epochs and
 * sequences go on far above those that the original may give out meanwhile. */
void weir_store_backup (
    WeirStore *self, const gchar *path, GAsyncReadyCallback callback, gpointer user_data);
gboolean weir_store_backup_finish (WeirStore *self, GAsyncResult *result, GError **error);

/* for backends: emits `changed`; any thread */
void weir_store_emit_changed (WeirStore *self, WeirStoreChange change, const gchar *id);

/* for backends: the answer of a list of live inputs; @inputs: (transfer full) */
typedef struct {
  GPtrArray *inputs;
  guint64 total;
} WeirLiveInputList;
WeirLiveInputList *weir_live_input_list_new (GPtrArray *inputs, guint64 total);
void weir_live_input_list_free (WeirLiveInputList *self);

/* for backends. Returns: (transfer full): what a secret is looked up by: SHA-256, lowercase hex */
gchar *weir_store_digest_secret (const gchar *secret);

/**
 * weir_store_sqlite_new:
 * @path: the database file, made with mode 0600 when it is missing
 *
 * The embedded backend: WAL, synchronous=FULL, one thread, group commit. Opening blocks; it is done
 * at start-up. A database of an earlier version is brought up to date in one transaction, which the
 * table `schema_history` records; a damaged or newer one, or another program's, is left as it is,
 * and refused in words (%WEIR_STORE_ERROR_INCOMPATIBLE). Up to 256 MiB all of it is looked through
 * for damage, of a bigger one all but the segments and events: that shows what is broken in its
 * structure, not bytes that changed inside a text.
 *
 * Every start raises the store's epoch. The store is closed, everything committed, when its last
 * reference goes; a call that waits for its answer holds one.
 *
 * Returns: (transfer full): NULL with %WEIR_STORE_ERROR
 */
WeirStore *weir_store_sqlite_new (const gchar *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirLiveInput, weir_live_input_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirBroadcastRecord, weir_broadcast_record_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirDocument, weir_document_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirEvent, weir_event_free)

G_END_DECLS
