/* What the plugin says about itself before any of its code runs. `config.schema` is a JSON Schema: the host checks the
 * operator's configuration with it and fills in the defaults. */
#define MANIFEST                                                                                    \
  "{\"manifest\": 1, \"name\": \"@NAME@\", \"version\": \"0.1.0\", \"summary\": \"keeps a text\","   \
  " \"services\": {\"provides\": [], \"requires\": [], \"wants\": []}, \"permissions\": [],"         \
  " \"config\": {\"version\": 1, \"schema\": {\"type\": \"object\", \"additionalProperties\": false," \
  "  \"properties\": {\"max_bytes\":"                                                               \
  "   {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 4095, \"default\": 1024}}}}}"
