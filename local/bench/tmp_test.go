package main
import ("testing";"context";"fmt";"os";"runtime/pprof";"time")
func TestTmp(t *testing.T){
 ctx,c:=context.WithCancel(t.Context()); defer c()
 b,_:=startRedis(ctx)
 st,err:=b.soldHouse(ctx); if err!=nil {t.Fatal(err)}
 b.client.ConfigResetStat(ctx)
 f,_:=os.Create("/tmp/cpu.prof"); pprof.StartCPUProfile(f)
 n:=0; a:=time.Now()
 for time.Since(a)<6*time.Second { if _,err:=st.List(ctx,st.ev,""); err!=nil {t.Fatal(err)}; n++}
 fmt.Println("per list",time.Since(a)/time.Duration(n))
 pprof.StopCPUProfile()
 fmt.Println(b.client.Info(ctx,"commandstats"))
}
