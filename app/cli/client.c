/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/client.h"

#include "config.h"

#include <libsoup/soup.h>
#include <string.h>

#define TIMEOUT_S 30

struct _WeirClient {
  SoupSession *session;
  gchar *url;
  gchar *token;
  gchar *account;
};

gchar *
weir_client_find_listener (const gchar *ready, const gchar *name)
{
  g_autofree gchar *key = g_strdup_printf ("%s=", name);
  g_auto (GStrv) words = g_strsplit_set (ready, " \n", -1);

  for (guint i = 0; words[i] != NULL; i++) {
    const gchar *address, *colon;
    g_autofree gchar *first = NULL;

    if (!g_str_has_prefix (words[i], key))
      continue;
    address = words[i] + strlen (key);
    first = g_strndup (address, strcspn (address, ";,"));
    colon = strrchr (first, ':');
    if (colon == NULL)
      return NULL;
    if (g_str_has_prefix (first, "[::]:") || g_str_has_prefix (first, "0.0.0.0:"))
      return g_strdup_printf ("127.0.0.1%s", colon);
    return g_steal_pointer (&first);
  }
  return NULL;
}

/* @authorities: (nullable): file of those who may have signed the server's certificate, else the
 * system's. Returns: NULL with an error */
static SoupSession *
make_session (const gchar *authorities, GError **error)
{
  g_autoptr (SoupSession) session =
      soup_session_new_with_options ("timeout", TIMEOUT_S, "user-agent", "weir", NULL);
  g_autofree gchar *path = NULL;
  g_autoptr (GTlsDatabase) database = NULL;

  if (authorities == NULL || *authorities == '\0')
    return g_steal_pointer (&session);
  path = g_canonicalize_filename (authorities, NULL);
  database = g_tls_file_database_new (path, error);
  if (database == NULL) {
    g_prefix_error (error, "WEIR_CA_FILE: ");
    return NULL;
  }
  soup_session_set_tls_database (session, database);
  return g_steal_pointer (&session);
}

static gboolean
is_certificate_refused (const GError *error)
{
  return g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE);
}

/* Returns: (nullable): where the daemon that said @ready answers */
static gchar *
find_url (const WeirConfig *config, const gchar *ready)
{
  static const gchar *const names[] = {"admin", "http"};
  g_autofree gchar *secure = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *address = weir_client_find_listener (ready, names[i]);

    if (address != NULL)
      return g_strdup_printf ("http://%s", address);
  }
  secure = weir_client_find_listener (ready, "https");
  if (secure == NULL)
    return NULL;
  /* its certificate is for a name */
  if (config->server.public_host[0] != '\0')
    return g_strdup_printf ("https://%s%s", config->server.public_host, strrchr (secure, ':'));
  return g_strdup_printf ("https://%s", secure);
}

/* what is not given yet, from the local daemon's state */
static void
take_local (WeirClient *self, const gchar *config_file)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirConfig) config = weir_config_load (config_file, NULL, &error);
  g_autofree gchar *ready_file = NULL, *account_file = NULL, *ready = NULL;

  if (config == NULL) {
    g_printerr ("weir: %s\n", error->message);
    return;
  }
  ready_file = g_build_filename (config->server.state_dir, "ready", NULL);
  account_file = g_build_filename (config->server.state_dir, "account", NULL);
  if (self->url == NULL && g_file_get_contents (ready_file, &ready, NULL, NULL))
    self->url = find_url (config, ready);
  if (self->token == NULL && g_file_get_contents (config->api.token_file, &self->token, NULL, NULL))
    g_strstrip (self->token);
  if (self->account == NULL && config->api.account != NULL && *config->api.account != '\0')
    self->account = g_strdup (config->api.account);
  if (self->account == NULL && g_file_get_contents (account_file, &self->account, NULL, NULL))
    g_strstrip (self->account);
}

static gchar *
choose (const gchar *option, const gchar *variable)
{
  const gchar *value = option ? option : g_getenv (variable);

  return value != NULL && *value != '\0' ? g_strdup (value) : NULL;
}

WeirClient *
weir_client_new (const gchar *url, const gchar *token, const gchar *account, const gchar *config)
{
  g_autoptr (WeirClient) self = g_new0 (WeirClient, 1);
  g_autoptr (GError) error = NULL;
  gsize size;

  self->url = choose (url, "WEIR_URL");
  self->token = choose (token, "WEIR_TOKEN");
  self->account = choose (account, "WEIR_ACCOUNT");
  if (self->url == NULL || self->token == NULL || self->account == NULL)
    take_local (self, config);

  if (self->url == NULL)
    g_printerr ("weir: no daemon found: is `weir serve` running? Else give --url or WEIR_URL\n");
  else if (self->token == NULL)
    g_printerr ("weir: the API token cannot be read: give --token or WEIR_TOKEN, or be the user "
                "that runs the daemon\n");
  else if (self->account == NULL)
    g_printerr ("weir: the account is not known: give --account or WEIR_ACCOUNT\n");
  if (self->url == NULL || self->token == NULL || self->account == NULL)
    return NULL;

  size = strlen (self->url);
  while (size > 0 && self->url[size - 1] == '/')
    self->url[--size] = '\0';
  self->session = make_session (g_getenv ("WEIR_CA_FILE"), &error);
  if (self->session == NULL) {
    g_printerr ("weir: %s\n", error->message);
    return NULL;
  }
  return g_steal_pointer (&self);
}

void
weir_client_free (WeirClient *self)
{
  g_clear_object (&self->session);
  g_free (self->url);
  g_free (self->token);
  g_free (self->account);
  g_free (self);
}

const gchar *
weir_client_get_url (WeirClient *self)
{
  return self->url;
}

/* the API's own words about a refusal, on stderr */
static void
print_errors (JsonObject *envelope, guint status)
{
  JsonNode *errors = envelope ? json_object_get_member (envelope, "errors") : NULL;
  JsonArray *array =
      errors != NULL && JSON_NODE_HOLDS_ARRAY (errors) ? json_node_get_array (errors) : NULL;

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);
    JsonObject *error, *source = NULL;
    const gchar *pointer;

    if (!JSON_NODE_HOLDS_OBJECT (element))
      continue;
    error = json_node_get_object (element);
    if (json_object_has_member (error, "source"))
      source = json_object_get_object_member (error, "source");
    pointer = source ? json_object_get_string_member_with_default (source, "pointer", "") : "";
    g_printerr ("weir: %s%s%s (code %" G_GINT64_FORMAT ")\n", pointer, *pointer ? " " : "",
        json_object_get_string_member_with_default (error, "message", "refused"),
        json_object_get_int_member_with_default (error, "code", 0));
  }
  if (array == NULL || json_array_get_length (array) == 0)
    g_printerr ("weir: the server answered %u\n", status);
}

WeirExit
weir_client_call (WeirClient *self, const gchar *method, const gchar *path, const gchar *body,
    gchar **answer, JsonNode **result)
{
  g_autofree gchar *url =
      g_strdup_printf ("%s/client/v4/accounts/%s/stream%s", self->url, self->account, path);
  g_autofree gchar *authorization = g_strdup_printf ("Bearer %s", self->token);
  g_autoptr (SoupMessage) message = soup_message_new (method, url);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *envelope = NULL;
  JsonNode *root;
  guint status;

  if (message == NULL) {
    g_printerr ("weir: %s is not a URL\n", self->url);
    return WEIR_EXIT_USAGE;
  }
  soup_message_headers_append (
      soup_message_get_request_headers (message), "Authorization", authorization);
  if (body != NULL) {
    g_autoptr (GBytes) request = g_bytes_new (body, strlen (body));

    soup_message_set_request_body_from_bytes (message, "application/json", request);
  }
  bytes = soup_session_send_and_read (self->session, message, NULL, &error);
  if (bytes == NULL) {
    g_printerr ("weir: %s: %s\n", self->url, error->message);
    if (is_certificate_refused (error))
      g_printerr ("weir: is the certificate for this name, and signed by who is trusted? "
                  "WEIR_CA_FILE names a file of others to trust\n");
    return WEIR_EXIT_FAILED;
  }
  status = soup_message_get_status (message);
  if (g_bytes_get_size (bytes) > 0 &&
      json_parser_load_from_data (
          parser, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL)) {
    root = json_parser_get_root (parser);
    if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
      envelope = json_node_get_object (root);
  }
  if (status != 200 || envelope == NULL || !json_object_has_member (envelope, "result")) {
    print_errors (envelope, status);
    return status >= 400 && status < 500 ? WEIR_EXIT_REFUSED : WEIR_EXIT_FAILED;
  }
  *answer = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  *result = json_node_copy (json_object_get_member (envelope, "result"));
  return WEIR_EXIT_DONE;
}

GBytes *
weir_client_fetch (const gchar *url, GError **error)
{
  g_autoptr (SoupSession) session = make_session (g_getenv ("WEIR_CA_FILE"), error);
  g_autoptr (SoupMessage) message = soup_message_new ("GET", url);
  g_autoptr (GBytes) bytes = NULL;

  if (session == NULL)
    return NULL;
  if (message == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "Not a URL");
    return NULL;
  }
  bytes = soup_session_send_and_read (session, message, NULL, error);
  if (bytes == NULL)
    return NULL;
  if (soup_message_get_status (message) != 200) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The server answered %u",
        soup_message_get_status (message));
    return NULL;
  }
  return g_steal_pointer (&bytes);
}
