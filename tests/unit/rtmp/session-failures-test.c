/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One whole publishing session, handshake to unpublish, again and again: cut off at every byte, in
 * two pieces at every byte, byte by byte, and with every allocation failing that may fail. What
 * happens is the same each time, or the beginning of it and one end. */
#include "rtmp/session.h"

#include "hex.h"
#include "records.h"
#include "rtmpclient.h"

#include <stdlib.h>

static const guint8 random_bytes[1528] = {1, 2, 3};

/* ---- allocations that may fail ---- */

/* The library calls these by its procedure linkage table, so it finds them here. All of GLib's that
 * may fail are covered; those that abort are not what a length on the wire may reach. */
static guint64 allocations;
static guint64 failing_from; /* the first that fails, from 1; 0: none */
static guint64 failing_to;

static gboolean
fails (void)
{
  allocations++;
  return allocations >= failing_from && allocations <= failing_to && failing_from > 0;
}

#undef g_try_malloc
#undef g_try_malloc0
#undef g_try_malloc_n
#undef g_try_malloc0_n
#undef g_try_realloc
#undef g_try_realloc_n

gpointer
g_try_malloc (gsize size)
{
  return fails () || size == 0 ? NULL : malloc (size);
}

gpointer
g_try_malloc0 (gsize size)
{
  return fails () || size == 0 ? NULL : calloc (1, size);
}

gpointer
g_try_malloc_n (gsize count, gsize size)
{
  gsize all;

  return __builtin_mul_overflow (count, size, &all) ? NULL : g_try_malloc (all);
}

gpointer
g_try_malloc0_n (gsize count, gsize size)
{
  gsize all;

  return __builtin_mul_overflow (count, size, &all) ? NULL : g_try_malloc0 (all);
}

gpointer
g_try_realloc (gpointer memory, gsize size)
{
  if (fails ())
    return NULL;
  if (size > 0)
    return realloc (memory, size);
  free (memory);
  return NULL;
}

gpointer
g_try_realloc_n (gpointer memory, gsize count, gsize size)
{
  gsize all;

  return __builtin_mul_overflow (count, size, &all) ? NULL : g_try_realloc (memory, all);
}

static void
let_fail (guint64 from, guint64 to)
{
  allocations = 0;
  failing_from = from;
  failing_to = to;
}

/* ---- the session ---- */

typedef struct {
  WeirRtmpChunkWriter chunks;
  WeirWriter bytes;
  GArray *borders; /* gsize: where messages begin */
} Recording;

static void
say (Recording *self, guint32 id, guint8 type, guint32 stream, guint32 timestamp,
    const guint8 *payload, gsize size)
{
  g_array_append_val (self->borders, self->bytes.size);
  weir_rtmp_chunk_writer_message (
      &self->chunks, &self->bytes, id, type, stream, timestamp, payload, size);
}

static void
say_hex (Recording *self, guint32 id, guint8 type, guint32 timestamp, const gchar *hex)
{
  g_autoptr (GBytes) bytes = test_hex (hex);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  say (self, id, type, 1, timestamp, data, size);
}

static void
say_number (Recording *self, guint8 type, guint32 number)
{
  g_auto (WeirWriter) payload = {0};

  weir_writer_u32 (&payload, number);
  say (self, 2, type, 0, 0, payload.data, payload.size);
}

static void
say_command (Recording *self, guint32 stream, const gchar *name, gdouble transaction,
    const gchar *string, gdouble number)
{
  g_auto (WeirWriter) payload = {0};

  weir_amf_write_string (&payload, name);
  weir_amf_write_number (&payload, transaction);
  weir_amf_write_null (&payload);
  if (string != NULL)
    weir_amf_write_string (&payload, string);
  if (number != 0)
    weir_amf_write_number (&payload, number);
  say (self, 3, WEIR_RTMP_COMMAND, stream, 0, payload.data, payload.size);
}

static void
say_connect (Recording *self)
{
  static const gchar *const names[] = {"app", "type", "flashVer", "swfUrl", "tcUrl", "pageUrl"};
  static const gchar *const values[] = {"live?a=b", "nonprivate", "FMLE/3.0 (compatible; test)",
      "rtmp://server/live", "rtmp://server/live", "http://page"};
  g_auto (WeirWriter) payload = {0};

  weir_amf_write_string (&payload, "connect");
  weir_amf_write_number (&payload, 1);
  weir_amf_write_object_begin (&payload);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    weir_amf_write_name (&payload, names[i]);
    weir_amf_write_string (&payload, values[i]);
  }
  weir_amf_write_object_end (&payload);
  say (self, 3, WEIR_RTMP_COMMAND, 0, 0, payload.data, payload.size);
}

/* @size bytes of an access unit of @type */
static void
say_video (Recording *self, guint8 first, guint8 nal, guint32 timestamp, guint32 size)
{
  g_auto (WeirWriter) payload = {0};

  weir_writer_u8 (&payload, first);
  weir_writer_u32 (&payload, 0x01000000);
  weir_writer_u32 (&payload, size);
  weir_writer_u8 (&payload, nal);
  for (guint32 i = 1; i < size; i++)
    weir_writer_u8 (&payload, (guint8) (i * 7));
  say (self, 6, WEIR_RTMP_VIDEO, 1, timestamp, payload.data, payload.size);
}

static void
say_metadata (Recording *self)
{
  g_auto (WeirWriter) payload = {0};

  weir_amf_write_string (&payload, "@setDataFrame");
  weir_amf_write_string (&payload, "onMetaData");
  weir_amf_write_object_begin (&payload);
  weir_amf_write_name (&payload, "width");
  weir_amf_write_number (&payload, 1280);
  weir_amf_write_name (&payload, "videocodecid");
  weir_amf_write_number (&payload, 7);
  weir_amf_write_object_end (&payload);
  say (self, 4, WEIR_RTMP_DATA, 1, 0, payload.data, payload.size);
}

static void
say_publication (Recording *self, const gchar *name)
{
  say_command (self, 0, "releaseStream", 2, name, 0);
  say_command (self, 0, "FCPublish", 3, name, 0);
  say_command (self, 0, "createStream", 4, NULL, 0);
  say_command (self, 1, "publish", 5, name, 0);
  say_metadata (self);
  say_hex (self, 6, WEIR_RTMP_VIDEO, 0, "1700000000" RECORD_BASELINE_720P30);
  say_hex (self, 4, WEIR_RTMP_AUDIO, 0, "af001190");
  say_video (self, 0x17, 0x65, 0, 1500);
  say_hex (self, 4, WEIR_RTMP_AUDIO, 1, "af01 2110 0460 8c1c");
  /* an extended timestamp, and the rest of a message interleaved with another one */
  say_video (self, 0x27, 0x41, 0x01000010, 300);
  say_hex (self, 4, WEIR_RTMP_AGGREGATE, 40,
      "08 000003 000028 00 000000 af0121 0000000e"
      "09 00000e 00003c 00 000000 2701000000 00000005 419a112233 00000019"
      "12 00000d 000050 00 000000 02 000a 6f6e5465787444617461 00000018");
  say_hex (self, 4, WEIR_RTMP_AUDIO, 90, "");
  say_hex (self, 2, WEIR_RTMP_USER_CONTROL, 0, "0006 0a0b0c0d");
  say_command (self, 0, "FCUnpublish", 6, name, 0);
  say_command (self, 0, "deleteStream", 7, NULL, 1);
}

static void
recording_init (Recording *self)
{
  *self = (Recording){.borders = g_array_new (FALSE, FALSE, sizeof (gsize))};
  weir_rtmp_chunk_writer_init (&self->chunks);
  test_write_c0_c1 (&self->bytes, 1, 5);
  weir_writer_zeros (&self->bytes, 1536);
  say_connect (self);
  say_number (self, WEIR_RTMP_WINDOW_ACKNOWLEDGEMENT_SIZE, 5000);
  say_publication (self, "key?c=d");
  say_number (self, WEIR_RTMP_SET_CHUNK_SIZE, 512);
  self->chunks.chunk_size = 512;
  /* once more on the same connection */
  say_publication (self, "live/other");
}

static void
recording_clear (Recording *self)
{
  weir_writer_clear (&self->bytes);
  g_array_unref (self->borders);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Recording, recording_clear)

/* ---- replaying it ---- */

typedef struct {
  WeirRtmpSession *session;
  GString *log;
  gsize sent; /* what the session wanted to say, bytes */
  guint closes;
  const gchar *limit;
} Replay;

static void
note_event (Replay *self, WeirRtmpEvent *event)
{
  g_autofree gchar *checksum = NULL;

  g_assert_cmpuint (self->closes, ==, 0);
  switch (event->type) {
  case WEIR_RTMP_EVENT_PUBLISH:
    g_string_append_printf (
        self->log, "publish %s %s %s %s\n", event->app, event->key, event->query, event->encoder);
    weir_rtmp_session_accept (self->session, 0);
    break;
  case WEIR_RTMP_EVENT_MESSAGE:
    checksum =
        g_compute_checksum_for_data (G_CHECKSUM_MD5, event->message.payload, event->message.size);
    g_string_append_printf (self->log, "%u@%u %" G_GSIZE_FORMAT " %s\n", event->message.type,
        event->message.timestamp, event->message.size, checksum);
    break;
  case WEIR_RTMP_EVENT_UNPUBLISH:
    g_string_append (self->log, "unpublish\n");
    break;
  case WEIR_RTMP_EVENT_CLOSE:
    self->closes++;
    self->limit = event->limit;
    break;
  }
  weir_rtmp_event_clear (event);
}

static void
feed (Replay *self, const guint8 *data, gsize size)
{
  /* of exactly this size, so that a byte read beyond it is seen */
  g_autofree guint8 *copy = g_memdup2 (data, size);
  const guint8 *input = copy;
  WeirWriter *output = weir_rtmp_session_get_output (self->session);
  WeirRtmpEvent event;

  while (weir_rtmp_session_input (self->session, &input, &size, 0, &event))
    note_event (self, &event);
  g_assert_cmpuint (size, ==, 0);
  self->sent += output->size;
  weir_writer_reset (output);
}

static void
replay_init (Replay *self)
{
  WeirRtmpSessionSettings settings;

  weir_rtmp_session_settings_init (&settings);
  *self = (Replay){.log = g_string_new (NULL)};
  self->session = weir_rtmp_session_new (&settings, random_bytes, 0);
}

static void
replay_clear (Replay *self)
{
  if (self->log == NULL)
    return;
  weir_rtmp_session_free (self->session);
  g_string_free (self->log, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Replay, replay_clear)

static void
replay_whole (const Recording *recording, Replay *replay)
{
  replay_init (replay);
  feed (replay, recording->bytes.data, recording->bytes.size);
}

static void
the_whole_of_it (void)
{
  g_auto (Recording) recording = {0};
  g_auto (Replay) replay = {0};

  recording_init (&recording);
  replay_whole (&recording, &replay);
  g_assert_cmpuint (replay.closes, ==, 0);
  g_assert_nonnull (
      strstr (replay.log->str, "publish live key a=b&c=d FMLE/3.0 (compatible; test)\n18@0 "));
  g_assert_nonnull (strstr (replay.log->str, "\nunpublish\npublish live other a=b "));
  g_assert_true (g_str_has_suffix (replay.log->str, "8@90 0 d41d8cd98f00b204e9800998ecf8427e\n"
                                                    "unpublish\n"));
  g_assert_cmpuint (weir_rtmp_session_get_dropped (replay.session), ==, 0);
}

static void
cut_off_at_every_byte (void)
{
  g_auto (Recording) recording = {0};
  g_auto (Replay) whole = {0};

  recording_init (&recording);
  replay_whole (&recording, &whole);
  for (gsize cut = 0; cut < recording.bytes.size; cut++) {
    g_auto (Replay) replay = {0};
    WeirRtmpEvent event;

    replay_init (&replay);
    feed (&replay, recording.bytes.data, cut);
    g_assert_cmpuint (replay.closes, ==, 0);
    g_assert_true (g_str_has_prefix (whole.log->str, replay.log->str));
    /* whoever falls silent there is given up in time */
    for (guint i = 0; i < 20 && replay.closes == 0; i++) {
      gint64 deadline_us = weir_rtmp_session_get_deadline (replay.session);

      if (weir_rtmp_session_advance (replay.session, deadline_us, &event))
        note_event (&replay, &event);
    }
    g_assert_cmpuint (replay.closes, ==, 1);
    g_assert_nonnull (replay.limit);
  }
}

static void
in_two_pieces_at_every_byte (void)
{
  g_auto (Recording) recording = {0};
  g_auto (Replay) whole = {0};

  recording_init (&recording);
  replay_whole (&recording, &whole);
  for (gsize cut = 1; cut < recording.bytes.size; cut++) {
    g_auto (Replay) replay = {0};

    /* within C1 and C2 nothing is looked at */
    if (cut > 20 && cut < 3060 && cut % 16 > 1)
      continue;
    replay_init (&replay);
    feed (&replay, recording.bytes.data, cut);
    feed (&replay, recording.bytes.data + cut, recording.bytes.size - cut);
    g_assert_cmpstr (replay.log->str, ==, whole.log->str);
    g_assert_cmpuint (replay.sent, ==, whole.sent);
  }
}

static void
in_pieces_of_every_size (void)
{
  g_auto (Recording) recording = {0};
  g_auto (Replay) whole = {0};

  recording_init (&recording);
  replay_whole (&recording, &whole);
  for (gsize piece = 1; piece <= 150; piece++) {
    g_auto (Replay) replay = {0};

    replay_init (&replay);
    for (gsize at = 0; at < recording.bytes.size; at += piece)
      feed (&replay, recording.bytes.data + at, MIN (piece, recording.bytes.size - at));
    g_assert_cmpstr (replay.log->str, ==, whole.log->str);
  }
}

/* three pieces, both cuts close to where a message begins */
static void
around_every_message (void)
{
  g_auto (Recording) recording = {0};
  g_auto (Replay) whole = {0};
  const guint8 *data;

  recording_init (&recording);
  replay_whole (&recording, &whole);
  data = recording.bytes.data;
  for (guint i = 0; i < recording.borders->len; i++) {
    gsize border = g_array_index (recording.borders, gsize, i);

    for (gsize before = 1; before <= 4; before++) {
      for (gsize after = 1; after <= 20; after++) {
        g_auto (Replay) replay = {0};

        replay_init (&replay);
        feed (&replay, data, border - before);
        feed (&replay, data + border - before, before + after);
        feed (&replay, data + border + after, recording.bytes.size - border - after);
        g_assert_cmpstr (replay.log->str, ==, whole.log->str);
      }
    }
  }
}

/* @piece: bytes given at once. Returns: how often memory was asked for */
static guint64
replay_failing (
    const Recording *recording, const Replay *whole, gsize piece, guint64 from, guint64 to)
{
  g_auto (Replay) replay = {0};
  guint64 count;

  replay_init (&replay);
  let_fail (from, to);
  for (gsize at = 0; at < recording->bytes.size; at += piece)
    feed (&replay, recording->bytes.data + at, MIN (piece, recording->bytes.size - at));
  count = allocations;
  let_fail (0, 0);
  if (from == 0)
    return count;
  g_assert_cmpuint (replay.closes, ==, 1);
  g_assert_cmpstr (replay.limit, ==, WEIR_OUT_OF_MEMORY);
  g_assert_true (g_str_has_prefix (whole->log->str, replay.log->str));
  /* over is over */
  g_assert_cmpint (weir_rtmp_session_get_deadline (replay.session), ==, G_MAXINT64);
  return count;
}

static void
without_memory_at_every_allocation (void)
{
  static const gsize pieces[] = {G_MAXSIZE / 2, 1000, 1};
  g_auto (Recording) recording = {0};
  g_auto (Replay) whole = {0};

  recording_init (&recording);
  replay_whole (&recording, &whole);
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
    guint64 count = replay_failing (&recording, &whole, pieces[i], 0, 0);

    /* messages, strings and lists of members: the interposed functions are in use */
    g_test_message ("%" G_GUINT64_FORMAT " allocations", count);
    g_assert_cmpuint (count, >, 60);
    for (guint64 n = 1; n <= count; n++) {
      replay_failing (&recording, &whole, pieces[i], n, n);
      replay_failing (&recording, &whole, pieces[i], n, G_MAXUINT64);
    }
  }
}

/* what the sizes on the wire ask for in vain: the machine does not have it */
static void
a_large_message_without_memory_ends_the_connection (void)
{
  g_auto (Recording) recording = {0};
  g_auto (Replay) replay = {0};
  g_autofree guint8 *payload = g_malloc0 (8 * 1024 * 1024);
  guint64 count;

  recording_init (&recording);
  replay_init (&replay);
  recording.chunks.chunk_size = 65536;
  weir_writer_reset (&recording.bytes);
  test_write_c0_c1 (&recording.bytes, -1, 5);
  weir_writer_zeros (&recording.bytes, 1536);
  recording.chunks.chunk_size = 128;
  say_connect (&recording);
  say_number (&recording, WEIR_RTMP_SET_CHUNK_SIZE, 65536);
  recording.chunks.chunk_size = 65536;
  say_command (&recording, 1, "publish", 5, "key", 0);
  feed (&replay, recording.bytes.data, recording.bytes.size);
  weir_writer_reset (&recording.bytes);
  say (&recording, 6, WEIR_RTMP_VIDEO, 1, 0, payload, 8 * 1024 * 1024);
  /* grown from 64 KiB by doubling: the last steps fail */
  let_fail (8, G_MAXUINT64);
  for (gsize at = 0; at < recording.bytes.size && replay.closes == 0; at += 60000)
    feed (&replay, recording.bytes.data + at, MIN (60000, recording.bytes.size - at));
  count = allocations;
  let_fail (0, 0);
  g_assert_cmpuint (count, ==, 8);
  g_assert_cmpuint (replay.closes, ==, 1);
  g_assert_cmpstr (replay.limit, ==, WEIR_OUT_OF_MEMORY);
}

/* a configuration record is read once, its SPS without memory for the copy */
static void
a_configuration_without_memory_is_an_error (void)
{
  g_autoptr (GBytes) record = test_hex (RECORD_BASELINE_720P30);
  g_autoptr (GError) error = NULL;
  WeirCodecConfig *config;

  let_fail (1, G_MAXUINT64);
  config = weir_codec_config_parse (WEIR_CODEC_AVC, record, &error);
  let_fail (0, 0);
  g_assert_null (config);
  g_assert_error (error, WEIR_CODEC_ERROR, WEIR_CODEC_ERROR_MEMORY);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add_func ("/rtmp/session-failures/" #name, name)
  TEST (the_whole_of_it);
  TEST (cut_off_at_every_byte);
  TEST (in_two_pieces_at_every_byte);
  TEST (in_pieces_of_every_size);
  TEST (around_every_message);
  TEST (without_memory_at_every_allocation);
  TEST (a_large_message_without_memory_ends_the_connection);
  TEST (a_configuration_without_memory_is_an_error);
  return g_test_run ();
}
