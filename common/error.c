#include "common/error.h"

#include <uv.h>

const char *mdg_error_name(int code)
{
    switch (code) {
    case MDG_OK:
        return "MDG_OK";
#define MDG_ERROR_NAME(name, number, exit_class) \
    case name:                                   \
        return #name;
        MDG_ERRORS(MDG_ERROR_NAME)
#undef MDG_ERROR_NAME
    default:
        break;
    }
    switch (code) {
#define UV_ERROR_NAME(name, sentence) \
    case UV_##name:                   \
        return "UV_" #name;
        UV_ERRNO_MAP(UV_ERROR_NAME)
#undef UV_ERROR_NAME
    default:
        return "MDG_ERR_INTERNAL";
    }
}

enum mdg_exit mdg_error_exit(int code)
{
    switch (code) {
    case MDG_OK:
        return MDG_EXIT_OK;
#define MDG_ERROR_EXIT(name, number, exit_class) \
    case name:                                   \
        return exit_class;
        MDG_ERRORS(MDG_ERROR_EXIT)
#undef MDG_ERROR_EXIT
    default:
        return MDG_EXIT_UNAVAILABLE;
    }
}
