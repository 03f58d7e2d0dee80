/* completion: the completion of command lines in bash, made from the tables of commands, options and kinds of data. */
#include <string.h>

#include "../data/data.h"
#include "cli.h"
#include "items.h"

/* Bash cuts words at = and : when it counts them, so that "--optim=adam" and "idx:FOLDER" are three of them. The word
 * completed is the part after the sign. */
static const char before[] = "_lamina()\n"
                             "{\n"
                             "    local cur=${COMP_WORDS[COMP_CWORD]} commands kinds options= arguments=file kind=\n"
                             "    local command= option= last= ended= path= prefix= word i\n";

static const char body[] =
    "    COMPREPLY=()\n"
    "    # option: the one whose value comes next; last: the one whose value the last word was or began\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]} path=\n"
    "        if [[ -z $command ]]; then\n"
    "            [[ $word == -* ]] || command=$word\n"
    "        elif [[ $word == = || $word == : ]]; then\n"
    "            option=$last path=${word#=}\n"
    "        elif [[ -n $option && $word != --* ]]; then\n"
    "            option=\n"
    "        elif [[ $word == -- ]]; then\n"
    "            ended=1 option= last=\n"
    "        elif [[ -z $ended && $word == -?* ]]; then\n"
    "            _lamina_option \"$command\" \"$word\"\n"
    "            last=$word option=\n"
    "            [[ -z $kind || $kind == flag ]] || option=$word\n"
    "        else\n"
    "            option= last=\n"
    "        fi\n"
    "    done\n"
    "    if [[ $cur == = || $cur == : ]]; then\n"
    "        option=$last path=${cur#=} cur=\n"
    "    elif [[ -n $command && -z $ended && $cur == --*=* ]]; then\n"
    "        option=${cur%%=*} prefix=${cur%%=*}= cur=${cur#*=}\n"
    "    elif [[ -z $ended && -z $path && $cur == --* ]]; then\n"
    "        option=\n"
    "    fi\n"
    "\n"
    "    _lamina_option \"$command\" \"$option\"\n"
    "    if [[ -z $command ]]; then\n"
    "        kind=\"words $commands help --help --version\"\n"
    "    elif [[ $command == help ]]; then\n"
    "        kind=\"words $commands\"\n"
    "    elif [[ -z $option && -z $ended && $cur == -* ]]; then\n"
    "        kind=\"words $options\"\n"
    "    elif [[ -z $option ]]; then\n"
    "        kind=$arguments\n"
    "    elif [[ $kind == data && -n $path ]]; then\n"
    "        kind=file\n"
    "    elif [[ $kind == data && $cur == *:* ]]; then\n"
    "        kind=file prefix=$prefix${cur%%:*}: cur=${cur#*:}\n"
    "    elif [[ $kind == data && -z $(compgen -W \"$kinds\" -- \"$cur\") ]]; then\n"
    "        kind=file\n"
    "    elif [[ $kind == data ]]; then\n"
    "        kind=\"words $kinds\"\n"
    "    fi\n"
    "\n"
    "    if [[ $kind == words\\ * ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -P \"$prefix\" -W \"${kind#words }\" -- \"$cur\")\n"
    "        [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *: ]] || compopt -o nospace 2>/dev/null\n"
    "    elif [[ $kind == file ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -P \"$prefix\" -f -- \"$cur\")\n"
    "        compopt -o filenames -o default 2>/dev/null\n"
    "    fi\n"
    "} && complete -F _lamina lamina\n";

static void put_names(FILE *out)
{
    fputs("    commands='", out);
    for (const cli_cmd *const *c = cli_commands; *c; c++)
        fprintf(out, "%s%s", c == cli_commands ? "" : " ", (*c)->name);
    fputs("'\n    kinds='", out);
    for (const lami_data_kind *const *k = lami_data_kinds; *k; k++)
        fprintf(out, "%s%s%s", k == lami_data_kinds ? "" : " ", (*k)->name, (*k)->places ? "" : ":");
    fputs("'\n", out);
}

static int is_number(const cli_item *item)
{
    if (item->row)
        return item->row->kind == CLI_KIND_SIZE;
    return item->option->kind == LAMI_REAL || item->option->kind == LAMI_SIZE || item->option->kind == LAMI_U64;
}

/* What an option's value is: flag (it has none), words, data (a data set), number, or file, as any text may be one. */
static void put_item(FILE *out, const cli_item *item)
{
    fprintf(out, "        --%s", item->name);
    if (item->letter)
        fprintf(out, " | -%c", item->letter);
    if (item->choices)
        fprintf(out, ") kind='words %s' ;;\n", item->choices);
    else
        fprintf(out, ") kind=%s ;;\n",
                !item->value_name                   ? "flag"
                : is_number(item)                   ? "number"
                : !strcmp(item->value_name, "DATA") ? "data"
                                                    : "file");
}

static void put_command(FILE *out, const cli_cmd *cmd)
{
    cli_items items;
    cli_items_gather(&items, cmd);
    fprintf(out, "    %s)\n        options='", cmd->name);
    for (size_t i = 0; i < items.count; i++)
        fprintf(out, "%s--%s", i ? " " : "", items.item[i].name);
    fprintf(out, "'\n        arguments=%s\n        case $2 in\n", cmd->most_args ? "file" : "none");
    for (size_t i = 0; i < items.count; i++)
        put_item(out, &items.item[i]);
    fputs("        esac\n        ;;\n", out);
}

void cli_completion(FILE *out)
{
    fprintf(out,
            "# Completion of lamina %s in bash, made by \"lamina help --bash\" from the tables of commands and "
            "options.\n\n",
            lam_version());
    fputs("# What the options of a command are, and what the value of one of them is: sets the variables of _lamina.\n"
          "_lamina_option()\n{\n    kind=\n    case $1 in\n",
          out);
    for (const cli_cmd *const *c = cli_commands; *c; c++)
        put_command(out, *c);
    fputs("    esac\n}\n\n", out);
    fputs(before, out);
    put_names(out);
    fputs(body, out);
}
