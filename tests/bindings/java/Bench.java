// SPDX-License-Identifier: MIT
import com.sun.jna.*;
import com.sun.jna.ptr.PointerByReference;
import java.util.Arrays;
import java.util.function.BooleanSupplier;

/** What tools/languages measures in Java: `Bench.java INSTANCE MODID CMDID COUNT` prints "CALL<TAB>NS" for each call. */
public class Bench {
    static final int CALLS = 1000, BATCH = 100, HOST_BYTES = 16;

    static native int larshm_open(PointerByReference h, String instance);
    static native int larshm_get_host(Pointer h, int modid, int cmdid, Pointer host);
    static native long larshm_get_host_batch(Pointer h, Pointer hosts, Pointer codes, long count);
    static { Native.register("liblarshm.so.0"); }

    /** Prints the median of many short runs, of one call among so many. */
    static void measure(String name, int chunks, BooleanSupplier run) {
        double[] ns = new double[chunks];
        for (int i = 0; i < chunks; i++) {
            long start = System.nanoTime();
            if (!run.getAsBoolean()) throw new IllegalStateException(name + " fails");
            ns[i] = (double) (System.nanoTime() - start) / CALLS;
        }
        Arrays.sort(ns);
        System.out.printf("%s\t%.1f\n", name, ns[chunks / 2]);
    }

    public static void main(String[] args) {
        int modid = Integer.parseUnsignedInt(args[1]), cmdid = Integer.parseUnsignedInt(args[2]);
        int chunks = Integer.parseInt(args[3]) / CALLS;
        PointerByReference opened = new PointerByReference();
        if (larshm_open(opened, args[0]) != 0) throw new IllegalStateException("no instance " + args[0]);
        Pointer h = opened.getValue();
        Memory host = new Memory(HOST_BYTES), hosts = new Memory(BATCH * HOST_BYTES), codes = new Memory(BATCH * 4);
        for (int i = 0; i < BATCH; i++) {
            hosts.setInt(i * HOST_BYTES, modid);
            hosts.setInt(i * HOST_BYTES + 4, cmdid);
        }
        measure("get_host", chunks, () -> {
            int code = 0;
            for (int i = 0; i < CALLS && code == 0; i++) code = larshm_get_host(h, modid, cmdid, host);
            return code == 0;
        });
        measure("get_host_batch", chunks, () -> {
            long found = BATCH;
            for (int i = 0; i < CALLS && found == BATCH; i += BATCH)
                found = larshm_get_host_batch(h, hosts, codes, BATCH);
            return found == BATCH;
        });
    }
}
