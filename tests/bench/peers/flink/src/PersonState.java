/**
 * What is kept for one person. A POJO by Flink's rules, so it has a PojoSerializer. The touches are
 * three arrays beside one another and no longer than needed: they have array serializers of their
 * own, and the copy that the heap backend makes while a checkpoint is written is cheap.
 */
public class PersonState {
    public long count;
    public long lastAt;
    public int session;
    public int stage;
    public long[] touchAt = new long[0];
    public String[] touchType = new String[0];
    public String[] touchChannel = new String[0];
}
