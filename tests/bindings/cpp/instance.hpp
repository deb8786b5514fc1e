// SPDX-License-Identifier: MIT
// The program bindings_instance, with pipes to its stdin and from its stdout.
#ifndef TESTS_BINDINGS_CPP_INSTANCE_HPP
#define TESTS_BINDINGS_CPP_INSTANCE_HPP

#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

class instance
{
public:
    // `file` may be empty: no routes at first.
    instance(const std::string &program, const std::string &name, const std::string &file) : name_(name)
    {
        int input[2], output[2];
        if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0)
            std::exit(2);
        pid_ = fork();
        if (pid_ == 0) {
            dup2(input[0], 0);
            dup2(output[1], 1);
            execl(program.c_str(), program.c_str(), name.c_str(), file.empty() ? nullptr : file.c_str(),
                  nullptr);
            std::perror(program.c_str());
            _exit(2);
        }
        ::close(input[0]);
        ::close(output[1]);
        input_ = fdopen(input[1], "w");
        output_ = fdopen(output[0], "r");
        expect("ready\n");
    }

    instance(const instance &) = delete;
    instance &operator=(const instance &) = delete;

    ~instance()
    {
        std::fclose(input_);
        waitpid(pid_, nullptr, 0);
        std::fclose(output_);
    }

    void command(const std::string &line)
    {
        std::fprintf(input_, "%s\n", line.c_str());
        std::fflush(input_);
        expect("done\n");
    }

    const char *name() const
    {
        return name_.c_str();
    }

private:
    void expect(const std::string &line)
    {
        char came[64] = "";
        if (!std::fgets(came, sizeof(came), output_) || line != came) {
            std::fprintf(stderr, "bindings_instance says \"%s\"\n", came);
            std::exit(2);
        }
    }

    std::string name_;
    pid_t pid_;
    std::FILE *input_, *output_;
};

#endif
