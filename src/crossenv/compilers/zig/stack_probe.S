/* What zig's start-up code asks of a run-time library on x86-64: touches each page of the rax bytes below the stack, so that
 * the system provides them, and changes no register. */
    .section .text$___chkstk_ms, "xr", discard, ___chkstk_ms
    .globl ___chkstk_ms
    .def ___chkstk_ms; .scl 2; .type 32; .endef
___chkstk_ms:
    pushq %rax
    pushq %rcx
    leaq 24(%rsp), %rcx
1:  cmpq $0x1000, %rax
    jbe 2f
    subq $0x1000, %rcx
    testq %rcx, (%rcx)
    subq $0x1000, %rax
    jmp 1b
2:  subq %rax, %rcx
    testq %rcx, (%rcx)
    popq %rcx
    popq %rax
    ret
