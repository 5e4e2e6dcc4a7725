/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * WeirConfig: weir.conf(5), typed; immutable after loading
 *
 * Times are microseconds, sizes bytes. An empty listen is off.
 */
typedef struct {
  struct {
    gchar *state_dir;
    gchar *public_host;
    gchar *node_name;
    guint workers;
    gchar *log_level;  /* error, warning, info, debug */
    gchar *log_format; /* text, json */
  } server;
  struct {
    gchar *listen;
    gchar *admin_listen;
    gchar *public_url;
    gchar *trusted_proxies;
  } http;
  struct {
    gchar *listen;
    gchar *certificates;
  } https;
  struct {
    gchar *account; /* empty: made at the first start */
    gchar *token_file;
  } api;
  struct {
    gchar *listen;
    gchar *app;
    gint64 read_interval;
    gchar *trusted_proxies;
  } rtmp;
  struct {
    gchar *listen;
    gchar *certificates;
  } rtmps;
  struct {
    gint64 duration;
    gint64 part_duration;
  } segments;
  struct {
    gboolean automatic; /* mode */
    gint64 timeout;
    gint64 clean_stop_timeout;
    gint64 delete_after; /* 0: never */
    guint min_free;      /* percent */
    gint64 max_size;     /* 0: no limit */
    gboolean delete_oldest;
    gboolean sweep_orphans;
    gchar *takeover; /* silent, always */
    gint64 takeover_silence;
  } recording;
  struct {
    gchar *allow; /* weir_networks_parse() */
  } egress;
  struct {
    gint64 keep;
    guint max;
  } events;
  struct {
    gchar *backend;
  } store;
  struct {
    gchar *backend;
    gchar *path;
  } blobs;
  struct {
    guint pending_connections;             /* 0: a quarter of the descriptors */
    guint pending_connections_per_address; /* 0: any number; so is the next */
    guint connection_rate_per_address;     /* a second */
    guint authorisations;
    gint64 rtmp_handshake;
    gint64 rtmp_media_silence;
    gint64 rtmp_first_media;
    gint64 rtmp_video_message; /* bytes; so below */
    gint64 rtmp_audio_message;
    gint64 rtmp_data_message;
    gint64 rtmp_control_message;
    gint64 rtmp_partial_messages;
    gint64 rtmp_memory;
    gint64 rtmp_output;
    gint64 rtmp_early_bytes;
    guint rtmp_streams;
    guint rtmp_chunk_streams;
    gint64 rtmp_chunk_size;
    gint64 rtmp_window;
    guint rtmp_cut_off_messages; /* a minute */
    guint rtmp_messages_rate;    /* a second; so below */
    guint rtmp_commands_rate;
    guint rtmp_metadata_rate;
    guint rtmp_pings_rate;
    gint64 rtmp_lead;
    guint rtmp_clock_jumps;    /* a minute */
    guint rtmp_configurations; /* a minute */
    guint rtmp_tracks;
    guint amf_depth;
    guint amf_values;
    gint64 authorise;
    guint http_connections;
    guint http_connections_per_address;
    gint64 http_header_time;
    gint64 http_body_time;
    gint64 http_idle;
    gint64 http_write_stall;
    gint64 http_write_progress;
    gint64 http_body;
    gint64 http_header;
    guint http_headers;
    gint64 http_target;
    guint http_parked_per_stream;
    guint http_parked_per_address;
    gint64 http_answer;
    guint json_depth;
    guint outputs_per_input;
    guint signing_keys_per_account;
    gint64 segment_size;
    gint64 part_size;
    gint64 held_media;
    guint broadcast_configurations;
    gint64 disk_queue;
    gint64 disk_queue_total;
  } limits;
} WeirConfig;

#define WEIR_CONFIG_ERROR (weir_config_error_quark ())
GQuark weir_config_error_quark (void);
typedef enum {
  WEIR_CONFIG_ERROR_FILE,        /* cannot be read, or is no key file */
  WEIR_CONFIG_ERROR_UNKNOWN,     /* no such section or key */
  WEIR_CONFIG_ERROR_VALUE,       /* the key cannot have this value */
  WEIR_CONFIG_ERROR_UNAVAILABLE, /* not available in this version */
} WeirConfigError;

/**
 * weir_config_load:
 * @file: (nullable): the file of `-c`; NULL looks where weir.conf(5) says, none there is no error
 * @overrides: (nullable) (array zero-terminated=1): `SECTION.KEY=VALUE`
 *
 * Every unknown section or key, every key that appears twice, every value out of range, and every
 * key of a part that this version does not have is an error that names it, with file and line.
 * After loading no text is NULL; `state_dir`, `token_file` and `path` are absolute; `node_name`
 * and, with a `public_url`, `public_host` are set. `account` may be empty, `workers` 0 (the cores).
 */
WeirConfig *weir_config_load (const gchar *file, const gchar *const *overrides, GError **error);
void weir_config_free (WeirConfig *self);
/* Returns: (transfer full): the keys with another value in @other, "SECTION.KEY"; empty for none */
GStrv weir_config_compare (const WeirConfig *self, const WeirConfig *other);
/* Returns: (transfer full): every key with the value in force, as a weir.conf */
gchar *weir_config_to_string (const WeirConfig *self);
/* Returns: (transfer container): the keys of @section */
const gchar **weir_config_get_keys (const gchar *section);
/* Returns: (transfer full): the commented example, data/weir.conf */
gchar *weir_config_get_example (void);
/* Returns: (transfer full): the sections and keys in the markup of weir.conf(5) */
gchar *weir_config_get_manual (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirConfig, weir_config_free)

G_END_DECLS
