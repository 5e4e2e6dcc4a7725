/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What another daemon left behind: broadcasts that the store says are live.
 * Each is claimed (its epoch grows), its spool files are salvaged into segments
 * that keep their numbers, the segments are stored and committed. Then it waits
 * for its encoder, or ends when that is over. All of it runs before the daemon
 * says that it is ready.
 */
#include "broadcast/recover.h"
#include "broadcast/broadcast.h"
#include "broadcast/salvage.h"

#include <glib/gstdio.h>
#include <string.h>

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "weir"

/* how often what is left is tried again */
#define RETRY_S 10

/* seconds: of a broadcast whose first segment never closed nobody knows how
 * long its GOPs are */
#define TARGET_LEAST 4

struct _WeirRecovery {
  const WeirConfig *config;
  WeirStore *store;
  WeirBlobs *blobs;
  WeirBroadcastManager *manager;
  void (*done) (gpointer data); /* NULL once it was called */
  gpointer data;
  guint pending;   /* calls under way, and one for the caller itself */
  GPtrArray *left; /* of WeirBroadcastRecord: to be tried again */
  guint timer;
  gboolean freed;
};

typedef struct {
  WeirRecovery *recovery;
  WeirBroadcastRecord *record;
  WeirJournal *journal;
  WeirIndex *inits; /* the inits of the journal, else of the store */
  GPtrArray *known; /* of WeirIndexSegment: the store's, by number, then the
                       salvaged */
  guint salvaged;
  WeirResume resume;
  gboolean lost;     /* nobody knows where it stands, or wants to: it ends */
  gint64 written_us; /* when the newest spool file was written to; 0: not known */
  guint pending;
  gboolean refused; /* something could not be written: the orphan is tried again */
} Orphan;

static gboolean recovery_try_again (gpointer data);

static void
recovery_unref (WeirRecovery *self)
{
  if (--self->pending > 0)
    return;
  if (self->freed) {
    g_object_unref (self->store);
    g_object_unref (self->blobs);
    g_ptr_array_unref (self->left);
    g_free (self);
    return;
  }
  if (self->left->len > 0)
    self->timer = g_timeout_add_seconds (RETRY_S, recovery_try_again, self);
  if (self->done != NULL)
    g_steal_pointer (&self->done) (self->data);
}

/* said once, not at each attempt */
#define TELL(recovery, ...)       \
  do {                            \
    if ((recovery)->done != NULL) \
      g_message (__VA_ARGS__);    \
  } while (0)

/* @record: (transfer full) */
static void
recovery_keep (WeirRecovery *self, WeirBroadcastRecord *record)
{
  g_ptr_array_add (self->left, record);
}

static void
orphan_free (Orphan *orphan)
{
  WeirRecovery *recovery = orphan->recovery;

  g_clear_pointer (&orphan->record, weir_broadcast_record_free);
  g_ptr_array_unref (orphan->known);
  weir_resume_clear (&orphan->resume);
  g_clear_pointer (&orphan->journal, weir_journal_free);
  g_clear_pointer (&orphan->inits, weir_index_unref);
  g_free (orphan);
  recovery_unref (recovery);
}

static void
orphan_ended (GObject *source, GAsyncResult *result, gpointer data)
{
  Orphan *orphan = data;
  g_autoptr (GError) error = NULL;

  if (weir_store_end_broadcast_finish (WEIR_STORE (source), result, &error)) {
    g_message ("broadcast %s: ended by a restart, %u segment(s) salvaged", orphan->record->uid,
        orphan->salvaged);
    weir_spool_remove (weir_blobs_get_spool (orphan->recovery->blobs), orphan->record->uid);
  } else {
    TELL (orphan->recovery, "broadcast %s: its end was not committed: %s", orphan->record->uid,
        error->message);
    recovery_keep (orphan->recovery, g_steal_pointer (&orphan->record));
  }
  orphan_free (orphan);
}

static void
orphan_commit_end (Orphan *orphan, const WeirEvent *event)
{
  weir_store_end_broadcast (orphan->recovery->store, orphan->record->uid, orphan->record->epoch,
      orphan->record->recorded ? WEIR_BROADCAST_READY : WEIR_BROADCAST_ENDED, event, orphan_ended,
      orphan);
}

static void
orphan_end_told (GObject *source, GAsyncResult *result, gpointer data)
{
  Orphan *orphan = data;
  g_autoptr (WeirEvent) event =
      weir_broadcast_make_event (orphan->record, WEIR_EVENT_RECORDING_READY, NULL);

  /* a store that does not take it says so to the commit, too */
  weir_store_append_event_finish (WEIR_STORE (source), result, NULL);
  orphan_commit_end (orphan, event);
}

/* told of in the order in which it happens; a crash, or a store that goes away
 * between the two, and the end is told of again */
static void
orphan_end (Orphan *orphan)
{
  g_autofree gchar *data = weir_event_make_data ("reason", "ended by a restart", NULL);
  g_autoptr (WeirEvent) event =
      weir_broadcast_make_event (orphan->record, WEIR_EVENT_BROADCAST_ENDED, data);

  if (orphan->record->recorded)
    weir_store_append_event (orphan->recovery->store, event, orphan_end_told, orphan);
  else
    orphan_commit_end (orphan, event);
}

/* ---- it goes on ---- */

static gint
compare_numbers (gconstpointer a, gconstpointer b)
{
  const WeirIndexSegment *left = *(gconstpointer *) a, *right = *(gconstpointer *) b;

  return left->number < right->number ? -1 : left->number > right->number;
}

/* Returns: (transfer full): the index as viewers know it */
static WeirIndex *
orphan_make_index (Orphan *orphan)
{
  WeirIndex *index = weir_index_new (orphan->record->uid, WEIR_INDEX_WINDOW_SEGMENTS);
  g_autofree gchar *inits = NULL;
  const WeirIndexSegment *newest =
      orphan->known->len > 0 ? orphan->known->pdata[orphan->known->len - 1] : NULL;

  if (orphan->record->recorded)
    weir_index_set_recorded (index);
  if (orphan->inits != NULL) {
    inits = weir_index_inits_to_json (orphan->inits);
    weir_index_add_inits_from_json (index, inits, NULL);
  }
  for (guint i = 0; i < orphan->known->len; i++)
    weir_index_add_closed_segment (index, weir_index_segment_ref (orphan->known->pdata[i]));
  /* of what was never stored the bytes are gone, but not its place */
  for (guint i = 0; orphan->resume.tail != NULL && i < orphan->resume.tail->len; i++) {
    WeirIndexSegment *segment = orphan->resume.tail->pdata[i];

    if (newest == NULL || segment->number > newest->number)
      weir_index_add_closed_segment (index, weir_index_segment_ref (segment));
  }
  return index;
}

typedef struct {
  Orphan *orphan;
  WeirLiveInput *input;
} Return;

static void
orphan_resumed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Return *returning = data;
  g_autoptr (WeirLiveInput) input = returning->input;
  Orphan *orphan = returning->orphan;
  WeirRecovery *self = orphan->recovery;
  g_autoptr (WeirIndex) index = NULL;
  g_autoptr (GError) error = NULL;

  if (!weir_store_commit_state_finish (WEIR_STORE (source), result, &error)) {
    TELL (self, "broadcast %s: where it stands was not committed: %s", orphan->record->uid,
        error->message);
    recovery_keep (self, g_steal_pointer (&orphan->record));
    orphan_free (orphan);
    return;
  }
  index = orphan_make_index (orphan);
  /* before anything new is written there */
  weir_spool_remove (weir_blobs_get_spool (self->blobs), orphan->record->uid);
  switch (
      weir_broadcast_manager_adopt (self->manager, orphan->record, input, &orphan->resume, index)) {
  case WEIR_ADOPTION_TAKEN:
    g_message ("broadcast %s: goes on after a restart, %u segment(s) salvaged "
               "input=%s",
        orphan->record->uid, orphan->salvaged, input->uid);
    orphan_free (orphan);
    break;
  case WEIR_ADOPTION_STOPPING:
    orphan_free (orphan);
    break;
  case WEIR_ADOPTION_OUTDATED:
    orphan_end (orphan);
    break;
  }
}

static void
orphan_input_found (GObject *source, GAsyncResult *result, gpointer data)
{
  Orphan *orphan = data;
  const WeirConfig *config = orphan->recovery->config;
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirLiveInput) input =
      weir_store_get_input_finish (WEIR_STORE (source), result, &error);
  gint64 now_us = g_get_real_time ();
  g_autofree gchar *state = NULL;
  Return *returning;

  if (input == NULL && !g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_NOT_FOUND)) {
    TELL (orphan->recovery, "broadcast %s: its live input cannot be read: %s", orphan->record->uid,
        error->message);
    recovery_keep (orphan->recovery, g_steal_pointer (&orphan->record));
    orphan_free (orphan);
    return;
  }
  if (input == NULL || !input->enabled ||
      weir_resume_get_wait (&orphan->resume, weir_broadcast_find_window (config, input),
          config->recording.clean_stop_timeout, now_us) == 0) {
    orphan_end (orphan);
    return;
  }
  orphan->resume.gaps =
      weir_resume_count_gaps (&orphan->resume, weir_resume_get_lost (&orphan->resume, now_us));
  state = weir_resume_to_json (&orphan->resume);
  returning = g_new (Return, 1);
  *returning = (Return){orphan, g_steal_pointer (&input)};
  weir_store_commit_state (orphan->recovery->store, orphan->record->uid, orphan->record->epoch,
      state, orphan_resumed, returning);
}

/* What was open and was never stored has the tracks that @like has, or playlists
 * could not say which there are. */
static void
orphan_complete_segment (WeirIndexSegment *segment, const WeirIndexSegment *like)
{
  for (guint i = 0; like != NULL && segment->tracks->len < like->tracks->len; i++) {
    const WeirIndexTrack *track = like->tracks->pdata[i];

    if (track != NULL && track->parts != NULL && track->parts->len > 0)
      weir_index_segment_add_part (segment, i, &g_array_index (track->parts, WeirIndexPart, 0));
    if (i + 1 >= like->tracks->len)
      break;
  }
  segment->in_memory = TRUE;
}

/* what the store knows of segments and its state does not: salvaged now, or by
 * a start that came to no end */
static void
orphan_complete_state (Orphan *orphan)
{
  guint64 first = orphan->resume.next_segment;
  const WeirIndexSegment *like = NULL;

  g_ptr_array_sort (orphan->known, compare_numbers);
  for (guint i = 0; i < orphan->known->len; i++) {
    WeirIndexSegment *segment = orphan->known->pdata[i];
    g_autoptr (GPtrArray) configs = NULL;

    if (segment->number < first)
      continue;
    configs = weir_index_get_configs (orphan->inits, segment->epoch, segment->init_generation);
    if (configs != NULL)
      weir_resume_add_segment (&orphan->resume, segment, configs, orphan->written_us, TARGET_LEAST);
  }
  if (orphan->known->len > 0)
    like = orphan->known->pdata[orphan->known->len - 1];
  weir_resume_complete_tail (&orphan->resume, TARGET_LEAST, g_get_real_time ());
  for (guint i = 0; orphan->resume.tail != NULL && i < orphan->resume.tail->len; i++) {
    WeirIndexSegment *segment = orphan->resume.tail->pdata[i];

    orphan_complete_segment (segment, like);
    like = segment;
  }
}

/* where it stood when the other daemon knew last */
static void
orphan_read_state (Orphan *orphan)
{
  g_autoptr (GError) error = NULL;

  weir_resume_clear (&orphan->resume);
  weir_resume_init (&orphan->resume, orphan->record->created_us);
  if (orphan->record->committed == NULL ||
      weir_resume_from_json (&orphan->resume, orphan->record->committed, &error))
    return;
  g_message ("broadcast %s: cannot go on: %s", orphan->record->uid, error->message);
  orphan->lost = TRUE;
}

static void
orphan_unref (Orphan *orphan)
{
  if (--orphan->pending > 0)
    return;
  if (orphan->refused) {
    recovery_keep (orphan->recovery, g_steal_pointer (&orphan->record));
    orphan_free (orphan);
    return;
  }
  if (orphan->lost) {
    orphan_end (orphan);
    return;
  }
  orphan_complete_state (orphan);
  weir_store_get_input (orphan->recovery->store, orphan->record->input, orphan_input_found, orphan);
}

/* ---- what was being written ---- */

typedef struct {
  Orphan *orphan;
  WeirIndexSegment *segment; /* (transfer none) */
  gchar *spool_path;         /* (nullable): the torn original */
} SalvagedSegment;

static void
salvaged_segment_free (SalvagedSegment *salvaged)
{
  orphan_unref (salvaged->orphan);
  g_free (salvaged->spool_path);
  g_free (salvaged);
}

static void
salvaged_committed (GObject *source, GAsyncResult *result, gpointer data)
{
  SalvagedSegment *salvaged = data;
  g_autoptr (GError) error = NULL;

  if (!weir_store_commit_segment_finish (WEIR_STORE (source), result, &error)) {
    TELL (salvaged->orphan->recovery, "salvaged segment %s: not committed: %s",
        salvaged->segment->name, error->message);
    salvaged->orphan->refused = TRUE;
  } else {
    if (salvaged->spool_path != NULL)
      g_unlink (salvaged->spool_path);
  }
  salvaged_segment_free (salvaged);
}

/* @salvaged: (transfer full) */
static void
salvaged_commit (SalvagedSegment *salvaged)
{
  Orphan *orphan = salvaged->orphan;
  g_autofree gchar *entry = weir_index_segment_to_json (salvaged->segment);
  g_autoptr (WeirEvent) event = weir_broadcast_make_segment_event (
      orphan->record, salvaged->segment, salvaged->segment->name);
  const WeirSegmentCommit commit = {
      .number = salvaged->segment->number,
      .entry = entry,
      .committed = orphan->record->committed,
      .size = salvaged->segment->size,
      .duration_us = salvaged->segment->duration_ns / 1000,
      .event = event,
  };

  weir_store_commit_segment (orphan->recovery->store, orphan->record->uid, orphan->record->epoch,
      &commit, salvaged_committed, salvaged);
}

static void
salvaged_stored (GObject *source, GAsyncResult *result, gpointer data)
{
  SalvagedSegment *salvaged = data;
  g_autoptr (GError) error = NULL;

  if (weir_blobs_put_finish (WEIR_BLOBS (source), result, &error)) {
    salvaged_commit (salvaged);
    return;
  }
  TELL (salvaged->orphan->recovery, "salvaged segment %s: not stored: %s", salvaged->segment->name,
      error->message);
  salvaged->orphan->refused = TRUE;
  salvaged_segment_free (salvaged);
}

static void
orphan_read_journal (Orphan *orphan)
{
  g_autofree gchar *path =
      weir_broadcast_get_journal_path (orphan->recovery->blobs, orphan->record->uid);
  g_autofree gchar *text = NULL;
  const gchar *inits;
  gsize size = 0;

  if (!g_file_get_contents (path, &text, &size, NULL))
    size = 0;
  orphan->journal = weir_journal_parse (text, size);
  orphan->inits = weir_index_new (orphan->record->uid, 0);
  for (guint i = 0; i < 2; i++) {
    inits = i == 0 ? orphan->record->inits : orphan->journal->inits;
    if (inits != NULL)
      weir_index_add_inits_from_json (orphan->inits, inits, NULL);
  }
}

/* @spool_path: (transfer full) (nullable): what is left of it when it is
 * committed */
static SalvagedSegment *
salvaged_segment_new (Orphan *orphan, WeirIndexSegment *segment, gchar *spool_path)
{
  SalvagedSegment *salvaged = g_new0 (SalvagedSegment, 1);

  salvaged->orphan = orphan;
  salvaged->segment = segment;
  salvaged->spool_path = spool_path;
  orphan->pending++;
  orphan->salvaged++;
  g_ptr_array_add (orphan->known, weir_index_segment_ref (segment));
  return salvaged;
}

/* Returns: when the file at @path was written to last, and no later than now */
static gint64
get_written (const gchar *path)
{
  GStatBuf status;

  if (g_stat (path, &status) != 0)
    return 0;
  return MIN ((gint64) status.st_mtim.tv_sec * G_USEC_PER_SEC + status.st_mtim.tv_nsec / 1000,
      g_get_real_time ());
}

/* Returns: FALSE when there is no spool file of it */
static gboolean
orphan_salvage_spool (Orphan *orphan, WeirIndexSegment *segment, GPtrArray *configs)
{
  g_autofree gchar *path = weir_broadcast_make_spool_path (
      orphan->recovery->blobs, orphan->record->uid, segment->epoch, segment->number);
  g_autofree gchar *salvaged_path = NULL;
  g_autoptr (GError) error = NULL;
  SalvagedSegment *salvaged;

  if (!weir_salvage_segment (path, configs, segment, &salvaged_path, &error)) {
    if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
      return FALSE;
    TELL (orphan->recovery, "spool file %s: not salvaged: %s", path, error->message);
    orphan->refused |= !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
    return TRUE;
  }
  orphan->written_us = MAX (orphan->written_us, get_written (path));
  salvaged = salvaged_segment_new (orphan, segment, g_steal_pointer (&path));
  weir_blobs_put (
      orphan->recovery->blobs, segment->name, salvaged_path, TRUE, salvaged_stored, salvaged);
  return TRUE;
}

/* it was stored already, and the daemon died before its entry was committed */
static void
orphan_salvage_object (Orphan *orphan, WeirIndexSegment *segment, GPtrArray *configs)
{
  g_autoptr (GError) error = NULL;
  gint fd = weir_blobs_open (orphan->recovery->blobs, segment->name, &error);

  if (fd < 0)
    return;
  if (weir_salvage_object (fd, segment->name, configs, segment, &error))
    salvaged_commit (salvaged_segment_new (orphan, segment, NULL));
  else
    g_message ("object %s: not salvaged: %s", segment->name, error->message);
}

/* @committed: (element-type utf8): the entries that the store has */
static void
orphan_salvage (Orphan *orphan, GPtrArray *committed)
{
  g_autoptr (GHashTable) done = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  GPtrArray *segments;

  for (guint i = 0; i < committed->len; i++) {
    WeirIndexSegment *segment = weir_index_segment_from_json (committed->pdata[i], NULL);

    if (segment == NULL)
      continue;
    g_hash_table_add (done, g_memdup2 (&segment->number, sizeof segment->number));
    g_ptr_array_add (orphan->known, segment);
  }
  /* the last word on a segment counts */
  segments = orphan->journal->segments;
  for (guint i = segments->len; i > 0; i--) {
    WeirIndexSegment *segment = segments->pdata[i - 1];
    g_autoptr (GPtrArray) configs = NULL;

    if (!g_hash_table_add (done, g_memdup2 (&segment->number, sizeof segment->number)))
      continue;
    configs = weir_index_get_configs (orphan->inits, segment->epoch, segment->init_generation);
    if (configs == NULL) {
      TELL (orphan->recovery,
          "broadcast %s: nothing is known of the tracks of segment "
          "%" G_GUINT64_FORMAT,
          orphan->record->uid, segment->number);
      continue;
    }
    g_free (segment->name);
    segment->name =
        weir_broadcast_make_segment_name (orphan->record->uid, segment->epoch, segment->number);
    if (!orphan_salvage_spool (orphan, segment, configs))
      orphan_salvage_object (orphan, segment, configs);
  }
}

static void
segments_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  Orphan *orphan = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries =
      weir_store_list_segments_finish (WEIR_STORE (source), result, &error);

  if (entries != NULL) {
    orphan_salvage (orphan, entries);
  } else {
    TELL (orphan->recovery, "broadcast %s: its index cannot be read: %s", orphan->record->uid,
        error->message);
    orphan->refused = TRUE;
  }
  orphan_unref (orphan);
}

static void
orphan_claimed (GObject *source, GAsyncResult *result, gpointer data)
{
  Orphan *orphan = data;
  g_autoptr (GError) error = NULL;
  WeirBroadcastRecord *record =
      weir_store_claim_broadcast_finish (WEIR_STORE (source), result, &error);

  if (record == NULL) {
    TELL (orphan->recovery, "broadcast %s: cannot be claimed: %s", orphan->record->uid,
        error->message);
    if (!g_error_matches (error, WEIR_STORE_ERROR, WEIR_STORE_ERROR_FENCED))
      recovery_keep (orphan->recovery, g_steal_pointer (&orphan->record));
    orphan_free (orphan);
    return;
  }
  weir_broadcast_record_free (orphan->record);
  orphan->record = record;
  orphan->pending = 1;
  orphan_read_state (orphan);
  orphan_read_journal (orphan);
  if (record->recorded)
    weir_store_list_segments (orphan->recovery->store, record->uid, segments_listed, orphan);
  else
    orphan_unref (orphan);
}

/* @record: (transfer full); @lost: it is to end */
static void
recovery_adopt (WeirRecovery *self, WeirBroadcastRecord *record, gboolean lost)
{
  Orphan *orphan = g_new0 (Orphan, 1);

  orphan->recovery = self;
  orphan->record = record;
  orphan->lost = lost;
  orphan->known = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_index_segment_unref);
  self->pending++;
  weir_store_claim_broadcast (self->store, record->uid, record->epoch, orphan_claimed, orphan);
}

static gboolean
recovery_try_again (gpointer data)
{
  WeirRecovery *self = data;
  g_autoptr (GPtrArray) left = g_steal_pointer (&self->left);

  self->timer = 0;
  self->left = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_broadcast_record_free);
  self->pending++;
  while (left->len > 0)
    recovery_adopt (self, g_ptr_array_steal_index (left, 0), FALSE);
  recovery_unref (self);
  return G_SOURCE_REMOVE;
}

/* what belongs to broadcasts that have ended, or that nobody knows, is of no
 * use to anyone */
static void
recovery_clean_spool (WeirRecovery *self, GPtrArray *records)
{
  const gchar *spool = weir_blobs_get_spool (self->blobs);
  g_autoptr (GHashTable) open = g_hash_table_new (g_str_hash, g_str_equal);
  guint removed;

  for (guint i = 0; i < records->len; i++)
    g_hash_table_add (open, ((WeirBroadcastRecord *) records->pdata[i])->uid);
  removed = weir_spool_remove_others (spool, open);
  if (removed > 0)
    g_message ("%s: removed %u file(s) of broadcasts that have ended", spool, removed);
}

/* whether its input has another, newer one among @records */
static gboolean
is_outdated (const WeirBroadcastRecord *record, GPtrArray *records)
{
  for (guint i = 0; i < records->len; i++) {
    const WeirBroadcastRecord *other = records->pdata[i];

    if (g_str_equal (other->input, record->input) && other->created_us > record->created_us)
      return TRUE;
  }
  return FALSE;
}

static void
orphans_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  WeirRecovery *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) records =
      weir_store_list_broadcasts_finish (WEIR_STORE (source), result, &error);

  if (records == NULL) {
    g_message ("open broadcasts could not be listed: %s", error->message);
    recovery_unref (self);
    return;
  }
  recovery_clean_spool (self, records);
  while (records->len > 0) {
    WeirBroadcastRecord *record = g_ptr_array_steal_index (records, records->len - 1);

    recovery_adopt (self, record, is_outdated (record, records));
  }
  recovery_unref (self);
}

WeirRecovery *
weir_recovery_new (const WeirConfig *config, WeirStore *store, WeirBlobs *blobs,
    WeirBroadcastManager *manager, void (*done) (gpointer data), gpointer data)
{
  const WeirBroadcastFilter open = {.states = 1u << WEIR_BROADCAST_LIVE}; /* newest first */
  WeirRecovery *self = g_new0 (WeirRecovery, 1);

  self->config = config;
  self->manager = manager;
  self->store = g_object_ref (store);
  self->blobs = g_object_ref (blobs);
  self->done = done;
  self->data = data;
  self->pending = 1;
  self->left = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_broadcast_record_free);
  weir_store_list_broadcasts (store, &open, orphans_listed, self);
  return self;
}

void
weir_recovery_free (WeirRecovery *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  self->freed = TRUE;
  self->pending++;
  recovery_unref (self);
}
