#include "client/ctl/help.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "client/ctl/output.h"
#include "common/locale.h"

#define HELP_COLUMN 34

static void padded(const char *text, int width)
{
    int pad = width - text_columns(text);
    printf("%s%*s", text, pad > 0 ? pad : 1, "");
}

static void option_lines(const struct ctl_option *options)
{
    for (int i = 0; i < CTL_OPTIONS_MAX && options[i].name; i++) {
        char left[64];
        snprintf(left, sizeof left, "  --%s%s%s", options[i].name, options[i].argument ? " " : "",
                 options[i].argument ? options[i].argument : "");
        padded(left, HELP_COLUMN);
        puts(_(options[i].help));
    }
}

static void usage_print(const struct ctl_command *command)
{
    printf("madoguchictl %s", command->name);
    if (command->operand) printf(" %s", command->operand);
    for (int i = 0; i < CTL_OPTIONS_MAX && command->options[i].name; i++) {
        const struct ctl_option *option = &command->options[i];
        printf(" %s--%s%s%s%s", option->is_required ? "" : "[", option->name, option->argument ? " " : "",
               option->argument ? option->argument : "", option->is_required ? "" : "]");
    }
}

static void command_help(const struct ctl_command *command)
{
    printf("%s\n\n  ", _(command->help));
    usage_print(command);
    printf("\n\n");
    option_lines(command->options);
    printf("\n%s\n", _("Everywhere:"));
    option_lines(CTL_COMMON_OPTIONS);
}

void help_print(const struct ctl_command *command)
{
    if (command) {
        command_help(command);
        return;
    }
    printf("%s\n\n  madoguchictl [%s] %s [%s]\n", _("The command line of madoguchi."), _("OPTIONS"), _("COMMAND"),
           _("OPTIONS"));
    for (const struct ctl_family *family = CTL_FAMILIES; family->title; family++) {
        printf("\n%s\n", _(family->title));
        for (const struct ctl_command *each = family->commands; each->name; each++) {
            char left[64];
            snprintf(left, sizeof left, "  %s%s%s", each->name, each->operand ? " " : "",
                     each->operand ? each->operand : "");
            padded(left, HELP_COLUMN);
            puts(_(each->help));
        }
    }
    printf("\n%s\n", _("Everywhere:"));
    option_lines(CTL_COMMON_OPTIONS);
    printf("\n%s\n", _("“madoguchictl COMMAND --help” tells more about a command."));
    printf("%s\n", _("Exit codes: 0 done, 1 refused or not there, 2 wrong arguments, 3 not allowed or not signed in,\n"
                     "4 server, network or disk, 5 setup."));
}

/* --- bash completion ---------------------------------------------------------------------------------- */

/* The words that may follow prefix (which ends in a space, or is ""), each once. */
static void next_words(const char *prefix)
{
    char seen[2048] = " ";
    size_t prefix_length = strlen(prefix);
    for (const struct ctl_family *family = CTL_FAMILIES; family->title; family++) {
        for (const struct ctl_command *command = family->commands; command->name; command++) {
            if (strncmp(command->name, prefix, prefix_length) != 0) continue;
            const char *rest = command->name + prefix_length;
            char word[64];
            snprintf(word, sizeof word, " %.*s ", (int)strcspn(rest, " "), rest);
            if (strlen(word) == 2 || strstr(seen, word)) continue;
            size_t length = strlen(seen);
            snprintf(seen + length, sizeof seen - length, "%s", word + 1);
        }
    }
    if (strlen(seen) > 1) printf("%.*s", (int)strlen(seen) - 2, seen + 1);
}

static bool is_prefix_seen(const struct ctl_family *until_family, const struct ctl_command *until, const char *prefix)
{
    for (const struct ctl_family *family = CTL_FAMILIES; family->title; family++) {
        for (const struct ctl_command *command = family->commands; command->name; command++) {
            if (family == until_family && command == until) return false;
            if (strncmp(command->name, prefix, strlen(prefix)) == 0) return true;
        }
    }
    return false;
}

/* A case arm for each proper beginning of a command's name: "visit" → "count undo … place purpose". */
static void completion_words(void)
{
    printf("        '') words=\"");
    next_words("");
    printf("\" ;;\n");
    for (const struct ctl_family *family = CTL_FAMILIES; family->title; family++) {
        for (const struct ctl_command *command = family->commands; command->name; command++) {
            for (const char *space = strchr(command->name, ' '); space; space = strchr(space + 1, ' ')) {
                char prefix[64];
                snprintf(prefix, sizeof prefix, "%.*s ", (int)(space - command->name), command->name);
                if (is_prefix_seen(family, command, prefix)) continue;
                printf("        '%.*s') words=\"", (int)(space - command->name), command->name);
                next_words(prefix);
                printf("\" ;;\n");
            }
        }
    }
}

static void completion_options(void)
{
    for (const struct ctl_family *family = CTL_FAMILIES; family->title; family++) {
        for (const struct ctl_command *command = family->commands; command->name; command++) {
            if (!command->options[0].name) continue;
            printf("        '%s') options+=\"", command->name);
            for (int i = 0; i < CTL_OPTIONS_MAX && command->options[i].name; i++)
                printf(" --%s", command->options[i].name);
            printf("\" ;;\n");
        }
    }
}

/* Options whose argument is one of a few words, and those that take any argument. */
static void completion_arguments(void)
{
    for (const struct ctl_family *family = CTL_FAMILIES; family->title; family++) {
        for (const struct ctl_command *command = family->commands; command->name; command++) {
            for (int i = 0; i < CTL_OPTIONS_MAX && command->options[i].name; i++) {
                const struct ctl_option *option = &command->options[i];
                if (option->words)
                    printf("        '%s --%s') words=\"%s\" ;;\n", command->name, option->name, option->words);
                else if (option->argument)
                    printf("        '%s --%s') return ;;\n", command->name, option->name);
            }
        }
    }
}

void completion_print(void)
{
    printf("# bash completion of madoguchictl\n"
           "_madoguchictl()\n{\n"
           "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path= words= word i\n"
           "    local options=\"");
    for (int i = 0; CTL_COMMON_OPTIONS[i].name; i++) printf("%s--%s", i > 0 ? " " : "", CTL_COMMON_OPTIONS[i].name);
    printf("\"\n"
           "    COMPREPLY=()\n"
           "    case $previous in\n"
           "        --profile) COMPREPLY=($(compgen -d -- \"$current\")); return ;;\n"
           "        --timeout) return ;;\n"
           "    esac\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        word=${COMP_WORDS[i]}\n"
           "        case $word in\n"
           "            --profile | --timeout) ((i++)) ;;\n"
           "            -*) [[ $path ]] && break ;;\n"
           "            *) path+=${path:+ }$word ;;\n"
           "        esac\n"
           "    done\n"
           "    case $path in\n");
    completion_words();
    printf("        *' '*) ;;\n"
           "    esac\n"
           "    case $path in\n");
    completion_options();
    printf("    esac\n"
           "    case \"$path $previous\" in\n");
    completion_arguments();
    printf("    esac\n"
           "    if [[ $current == -* ]]; then words=$options; fi\n"
           "    if [[ $words ]]; then COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
           "    else COMPREPLY=($(compgen -f -- \"$current\")); fi\n"
           "}\n"
           "complete -o filenames -F _madoguchictl madoguchictl\n");
}

/* --- man page ----------------------------------------------------------------------------------------- */

/* Text for roff: hyphens as they are typed, no line that begins with a control character. */
static void roff(const char *text)
{
    for (; *text; text++) {
        if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '\\')
            fputs("\\e", stdout);
        else
            putchar(*text);
    }
}

static void man_option(const struct ctl_option *option)
{
    printf(".TP\n.B \\-\\-");
    roff(option->name);
    if (option->argument) {
        printf("\\fR \\fI");
        roff(option->argument);
        printf("\\fR");
    }
    putchar('\n');
    roff(_(option->help));
    putchar('\n');
}

static void man_command(const struct ctl_command *command)
{
    printf(".SS ");
    roff(command->name);
    if (command->operand) {
        putchar(' ');
        roff(command->operand);
    }
    putchar('\n');
    roff(_(command->help));
    putchar('\n');
    for (int i = 0; i < CTL_OPTIONS_MAX && command->options[i].name; i++) man_option(&command->options[i]);
}

void man_print(void)
{
    printf(".TH MADOGUCHICTL 1 \"\" \"madoguchi " MDG_VERSION "\"\n"
           ".SH NAME\nmadoguchictl \\- %s\n"
           ".SH SYNOPSIS\n.B madoguchictl\n.RI [ options ] \" command \" [ options ]\n"
           ".SH DESCRIPTION\n",
           _("The command line of madoguchi."));
    roff(_("madoguchictl works at one enrolled terminal of a centre: it counts visitors, reads totals, and keeps "
           "terminals and accounts. Counts made without the server are kept and sent later."));
    printf("\n.SH OPTIONS\n");
    for (int i = 0; CTL_COMMON_OPTIONS[i].name; i++) man_option(&CTL_COMMON_OPTIONS[i]);
    printf(".SH COMMANDS\n");
    for (const struct ctl_family *family = CTL_FAMILIES; family->title; family++) {
        for (const struct ctl_command *command = family->commands; command->name; command++) man_command(command);
    }
    printf(".SH \"EXIT STATUS\"\n");
    roff(_("0 done; 1 refused or not there; 2 wrong arguments; 3 not allowed, not signed in or not enrolled; 4 server, "
           "network or disk; 5 setup."));
    printf("\n.SH ENVIRONMENT\n.TP\n.B MADOGUCHI_PROFILE\n");
    roff(_("the profile's folder, unless --profile names it; else ~/.local/share/madoguchi."));
    printf("\n");
}
