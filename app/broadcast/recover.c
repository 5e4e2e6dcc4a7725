/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a daemon that died left behind: broadcasts that the store says are live. Each is claimed
 * (its epoch grows), its spool files are salvaged into segments that keep their numbers, the
 * segments are stored and committed, and the broadcast ends. All of it runs before the daemon says
 * that it is ready.
 */
#include "broadcast/broadcast.h"
#include "broadcast/recover.h"
#include "broadcast/salvage.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <stdlib.h>
#include <string.h>

#undef G_LOG_DOMAIN
#define G_LOG_DOMAIN "weir"

typedef struct {
  WeirStore *store;
  WeirBlobs *blobs;
  void (*done) (gpointer data);
  gpointer data;
  guint pending; /* calls under way, and one for the caller itself */
} Recovery;

typedef struct {
  Recovery *recovery;
  WeirBroadcastRecord *record;
  WeirIndex *inits;    /* the inits of the journal, else of the store */
  GPtrArray *segments; /* of WeirIndexSegment: salvaged, to be stored */
  guint pending;
} Orphan;

static void
recovery_unref (Recovery *recovery)
{
  if (--recovery->pending > 0)
    return;
  recovery->done (recovery->data);
  g_object_unref (recovery->store);
  g_object_unref (recovery->blobs);
  g_free (recovery);
}

static void
orphan_ended (GObject *source, GAsyncResult *result, gpointer data)
{
  Orphan *orphan = data;
  g_autoptr (GError) error = NULL;

  if (!weir_store_end_broadcast_finish (WEIR_STORE (source), result, &error)) {
    g_message ("broadcast %s: its end was not committed: %s", orphan->record->uid, error->message);
  } else {
    g_autofree gchar *journal =
        weir_broadcast_get_journal_path (orphan->recovery->blobs, orphan->record->uid);
    g_unlink (journal);
  }
  recovery_unref (orphan->recovery);
  weir_broadcast_record_free (orphan->record);
  g_ptr_array_unref (orphan->segments);
  g_clear_pointer (&orphan->inits, weir_index_unref);
  g_free (orphan);
}

static void
orphan_unref (Orphan *orphan)
{
  if (--orphan->pending > 0)
    return;
  g_message ("broadcast %s: ended by a restart, %u segment(s) salvaged", orphan->record->uid,
      orphan->segments->len);
  weir_store_end_broadcast (orphan->recovery->store, orphan->record->uid, orphan->record->epoch,
      orphan->record->recorded ? WEIR_BROADCAST_READY : WEIR_BROADCAST_ENDED, orphan_ended, orphan);
}

typedef struct {
  Orphan *orphan;
  WeirIndexSegment *segment; /* (transfer none) */
  gchar *spool_path;         /* the torn original */
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

  if (!weir_store_commit_segment_finish (WEIR_STORE (source), result, &error))
    g_message ("salvaged segment %s: not committed: %s", salvaged->segment->name, error->message);
  else
    g_unlink (salvaged->spool_path);
  salvaged_segment_free (salvaged);
}

static void
salvaged_stored (GObject *source, GAsyncResult *result, gpointer data)
{
  SalvagedSegment *salvaged = data;
  Orphan *orphan = salvaged->orphan;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *entry = NULL;

  if (!weir_blobs_put_finish (WEIR_BLOBS (source), result, &error)) {
    g_message ("salvaged segment %s: not stored: %s", salvaged->segment->name, error->message);
    salvaged_segment_free (salvaged);
    return;
  }
  entry = weir_index_segment_to_json (salvaged->segment);
  weir_store_commit_segment (orphan->recovery->store, orphan->record->uid, orphan->record->epoch,
      salvaged->segment->number, entry, orphan->record->committed, salvaged_committed, salvaged);
}

/* Returns: (transfer full) (element-type WeirIndexSegment): what the journal says of the segments,
 * their last word counts; the inits go into orphan->inits */
static GPtrArray *
orphan_read_journal (Orphan *orphan)
{
  GPtrArray *segments = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_index_segment_unref);
  g_autofree gchar *path =
      weir_broadcast_get_journal_path (orphan->recovery->blobs, orphan->record->uid);
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autofree gchar *inits = g_strdup (orphan->record->inits);

  if (g_file_get_contents (path, &text, NULL, NULL))
    lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines != NULL && lines[i] != NULL; i++) {
    g_autoptr (JsonNode) node = json_from_string (lines[i], NULL);
    JsonObject *line =
        node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    WeirIndexSegment *segment;

    if (line == NULL) /* the last one may be torn */
      continue;
    if (json_object_has_member (line, "inits")) {
      g_free (inits);
      inits = json_to_string (json_object_get_member (line, "inits"), FALSE);
    } else if (json_object_has_member (line, "segment")) {
      g_autofree gchar *entry = json_to_string (json_object_get_member (line, "segment"), FALSE);
      segment = weir_index_segment_from_json (entry, NULL);
      if (segment != NULL)
        g_ptr_array_add (segments, segment);
    }
  }
  orphan->inits = weir_index_new (orphan->record->uid, 0);
  if (inits != NULL)
    weir_index_add_inits_from_json (orphan->inits, inits, NULL);
  return segments;
}

static void
orphan_salvage_file (
    Orphan *orphan, GPtrArray *journal, const gchar *path, guint64 epoch, guint64 number)
{
  g_autoptr (WeirIndexSegment) segment = NULL;
  g_autoptr (GPtrArray) configs = NULL;
  g_autofree gchar *salvaged_path = NULL;
  g_autoptr (GError) error = NULL;
  SalvagedSegment *salvaged;

  for (guint i = 0; i < journal->len; i++) {
    WeirIndexSegment *candidate = journal->pdata[i];
    if (candidate->epoch == epoch && candidate->number == number)
      segment = weir_index_segment_ref (candidate);
  }
  if (segment != NULL)
    configs = weir_index_get_configs (orphan->inits, epoch, segment->init_generation);
  if (configs == NULL) {
    g_message ("spool file %s: the journal does not know it, it stays where it is", path);
    return;
  }
  if (!weir_salvage_segment (path, configs, segment, &salvaged_path, &error)) {
    g_message ("spool file %s: not salvaged: %s", path, error->message);
    if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA))
      g_unlink (path);
    return;
  }
  segment->name = weir_broadcast_make_segment_name (orphan->record->uid, epoch, number);
  salvaged = g_new0 (SalvagedSegment, 1);
  salvaged->orphan = orphan;
  salvaged->segment = segment;
  salvaged->spool_path = g_strdup (path);
  orphan->pending++;
  weir_blobs_put (
      orphan->recovery->blobs, segment->name, salvaged_path, TRUE, salvaged_stored, salvaged);
  g_ptr_array_add (orphan->segments, g_steal_pointer (&segment));
}

/* spool files are named <uid>-<epoch>-<number>.open */
static void
orphan_salvage (Orphan *orphan)
{
  const gchar *spool = weir_blobs_get_spool (orphan->recovery->blobs);
  g_autoptr (GDir) folder = g_dir_open (spool, 0, NULL);
  g_autofree gchar *prefix = g_strconcat (orphan->record->uid, "-", NULL);
  g_autoptr (GPtrArray) journal = orphan_read_journal (orphan);
  const gchar *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    g_autofree gchar *path = g_build_filename (spool, name, NULL);
    gchar *end = NULL;
    guint64 epoch, number;

    if (!g_str_has_prefix (name, prefix))
      continue;
    epoch = g_ascii_strtoull (name + strlen (prefix), &end, 10);
    number = *end == '-' ? g_ascii_strtoull (end + 1, &end, 10) : 0;
    if (!orphan->record->recorded || !g_str_equal (end, ".open"))
      g_unlink (path);
    else
      orphan_salvage_file (orphan, journal, path, epoch, number);
  }
}

static void
orphan_claimed (GObject *source, GAsyncResult *result, gpointer data)
{
  Recovery *recovery = data;
  g_autoptr (GError) error = NULL;
  Orphan *orphan;
  WeirBroadcastRecord *record =
      weir_store_claim_broadcast_finish (WEIR_STORE (source), result, &error);

  if (record == NULL) {
    g_message ("a broadcast could not be claimed: %s", error->message);
    recovery_unref (recovery);
    return;
  }
  orphan = g_new0 (Orphan, 1);
  orphan->recovery = recovery;
  orphan->record = record;
  orphan->segments = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_index_segment_unref);
  orphan->pending = 1;
  orphan_salvage (orphan);
  orphan_unref (orphan);
}

static void
orphans_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  Recovery *recovery = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) records =
      weir_store_list_broadcasts_finish (WEIR_STORE (source), result, &error);

  if (records == NULL)
    g_message ("open broadcasts could not be listed: %s", error->message);
  for (guint i = 0; records != NULL && i < records->len; i++) {
    const WeirBroadcastRecord *record = records->pdata[i];

    recovery->pending++;
    weir_store_claim_broadcast (
        recovery->store, record->uid, record->epoch, orphan_claimed, recovery);
  }
  recovery_unref (recovery);
}

void
weir_recover (WeirStore *store, WeirBlobs *blobs, void (*done) (gpointer data), gpointer data)
{
  Recovery *recovery = g_new0 (Recovery, 1);

  recovery->store = g_object_ref (store);
  recovery->blobs = g_object_ref (blobs);
  recovery->done = done;
  recovery->data = data;
  recovery->pending = 1;
  weir_store_list_broadcasts (store, NULL, WEIR_BROADCAST_LIVE, orphans_listed, recovery);
}
