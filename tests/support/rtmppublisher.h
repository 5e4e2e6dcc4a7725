/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "rtmp/amf.h"
#include "rtmp/chunk.h"
#include "rtmpclient.h"
#include "tcppair.h"

/* A scripted encoder on a blocking socket. */
typedef struct {
  gint fd;
  WeirRtmpChunkWriter chunks;
  WeirRtmpChunkReader *reader;
  WeirWriter output; /* written, not sent yet */
  guint8 input[4096];
  const guint8 *left;
  gsize left_size;
  guint32 next;
  guint capabilities; /* of Enhanced RTMP, told when it connects; 0: not told */
} Publisher;

#define PUBLISHER_STREAM 1

static inline void
publisher_flush (Publisher *self)
{
  tcp_write (self->fd, self->output.data, self->output.size);
  weir_writer_reset (&self->output);
}

/* connects and shakes hands */
static inline void
publisher_connect (Publisher *self, const gchar *address)
{
  guint8 answer[1 + 2 * 1536];

  self->fd = tcp_connect (address);
  self->reader = weir_rtmp_chunk_reader_new (&weir_rtmp_chunk_limits_default);
  self->left_size = 0;
  self->next = 0;
  self->capabilities = 0;
  weir_rtmp_chunk_writer_init (&self->chunks);
  weir_writer_init (&self->output, 0);
  test_write_c0_c1 (&self->output, -1, 1);
  publisher_flush (self);
  g_assert_cmpint (recv (self->fd, answer, sizeof answer, MSG_WAITALL), ==, sizeof answer);
  weir_writer_zeros (&self->output, 1536);
}

static inline void
publisher_clear (Publisher *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  weir_rtmp_chunk_reader_free (self->reader);
  weir_writer_clear (&self->output);
}

static inline void
publisher_command (
    Publisher *self, guint32 stream_id, const gchar *name, gdouble transaction, const gchar *string)
{
  g_auto (WeirWriter) payload = {0};

  weir_writer_init (&payload, 0);
  weir_amf_write_string (&payload, name);
  weir_amf_write_number (&payload, transaction);
  if (g_str_equal (name, "connect")) {
    weir_amf_write_object_begin (&payload);
    weir_amf_write_name (&payload, "app");
    weir_amf_write_string (&payload, string);
    weir_amf_write_name (&payload, "flashVer");
    weir_amf_write_string (&payload, "test/1.0");
    if (self->capabilities != 0) {
      weir_amf_write_name (&payload, "capsEx");
      weir_amf_write_number (&payload, self->capabilities);
    }
    weir_amf_write_object_end (&payload);
  } else {
    weir_amf_write_null (&payload);
    if (string != NULL)
      weir_amf_write_string (&payload, string);
    else if (g_str_equal (name, "deleteStream"))
      weir_amf_write_number (&payload, PUBLISHER_STREAM);
  }
  weir_rtmp_chunk_writer_message (
      &self->chunks, &self->output, 3, WEIR_RTMP_COMMAND, stream_id, 0, payload.data, payload.size);
}

/* everything up to publish, written but not sent */
static inline void
publisher_write_publish (Publisher *self, const gchar *key)
{
  publisher_command (self, 0, "connect", 1, "live");
  publisher_command (self, 0, "releaseStream", 2, key);
  publisher_command (self, 0, "FCPublish", 3, key);
  publisher_command (self, 0, "createStream", 4, NULL);
  publisher_command (self, PUBLISHER_STREAM, "publish", 5, key);
}

/* one video frame of @size bytes, 9 at least, with its number in it; not sent yet */
static inline void
publisher_write_video (Publisher *self, gsize size)
{
  g_auto (WeirWriter) payload = {0};

  weir_writer_init (&payload, size);
  weir_writer_u32 (&payload, 0x17010000);
  weir_writer_u8 (&payload, 0);
  weir_writer_u32 (&payload, self->next);
  weir_writer_zeros (&payload, size - 9);
  weir_rtmp_chunk_writer_message (&self->chunks, &self->output, 6, WEIR_RTMP_VIDEO,
      PUBLISHER_STREAM, self->next * 40, payload.data, payload.size);
  self->next++;
}

/* the number in a frame of publisher_write_video() */
static inline guint32
publisher_frame_number (const WeirRtmpMessage *message)
{
  WeirReader reader;

  weir_reader_init (&reader, message->payload, message->size);
  weir_reader_skip (&reader, 5);
  return weir_reader_u32 (&reader);
}

/* Returns: (transfer full) (nullable): the `code` of the next onStatus; NULL when the server closed
 */
static inline gchar *
publisher_await_status (Publisher *self)
{
  for (;;) {
    WeirRtmpMessage message;
    g_autoptr (GError) error = NULL;
    WeirRtmpChunkResult result = WEIR_RTMP_CHUNK_MORE;

    if (self->left_size > 0)
      result = weir_rtmp_chunk_reader_input (
          self->reader, &self->left, &self->left_size, 0, &message, &error);
    g_assert_no_error (error);
    if (result == WEIR_RTMP_CHUNK_MESSAGE) {
      g_autofree guint8 *payload = message.payload;
      guint values_left = 100;
      WeirReader reader;
      g_autoptr (WeirAmfValue) name = NULL, transaction = NULL, null = NULL, information = NULL;

      if (message.type != WEIR_RTMP_COMMAND)
        continue;
      weir_reader_init (&reader, payload, message.size);
      name = weir_amf_parse (&reader, &weir_amf_limits_default, &values_left);
      if (g_strcmp0 (weir_amf_value_get_string (name, NULL), "onStatus") != 0)
        continue;
      transaction = weir_amf_parse (&reader, &weir_amf_limits_default, &values_left);
      null = weir_amf_parse (&reader, &weir_amf_limits_default, &values_left);
      information = weir_amf_parse (&reader, &weir_amf_limits_default, &values_left);
      return g_strdup (
          weir_amf_value_get_string (weir_amf_value_get_member (information, "code"), NULL));
    }
    if (self->left_size == 0) {
      gssize size = recv (self->fd, self->input, sizeof self->input, 0);

      if (size <= 0)
        return NULL;
      self->left = self->input;
      self->left_size = (gsize) size;
    }
  }
}

static inline void
publisher_assert_status (Publisher *self, const gchar *code)
{
  g_autofree gchar *status = publisher_await_status (self);

  g_assert_cmpstr (status, ==, code);
}
